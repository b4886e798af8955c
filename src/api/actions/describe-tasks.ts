/** DescribeTasks (`ecs-api.md` 2.6): pages by number only. */
import type { TaskFilter } from '../../ecs/list-filters.ts';
import type { TaskStatus } from '../../ecs/resources.ts';
import { parseSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { emptyPage, matchesNothing, noneHas, pagingOf, pagingParameters } from '../filters.ts';
import { commaList, invalidParameter, knowingWords, repeated, text, type Values } from '../parameters.ts';
import { renderTask } from '../render/task.ts';

const STATUSES: readonly TaskStatus[] = ['Processing', 'Finished', 'Failed'];
const ACTIONS = ['ImportImage', 'ExportImage', 'ExportSnapshot', 'ModifyDiskSpec', 'ArchiveSnapshot'];

const { PageNumber, PageSize } = pagingParameters(100);

const parameters = {
  PageNumber,
  PageSize,
  TaskIds: commaList(),
  ResourceIds: repeated(100),
  TaskAction: knowingWords(text(), ACTIONS),
  TaskStatus: knowingWords(text(), STATUSES),
  StartTime: text(),
  EndTime: text(),
  TaskGroupId: noneHas(),
};

export const describeTasks = defineAction({
  name: 'DescribeTasks',
  parameters,
  run: async (values, { control, region }) => {
    const paging = pagingOf({ ...values, MaxResults: null, NextToken: null });
    const filter = filterOf(values);
    const page = matchesNothing(values) ? emptyPage : await control.listTasks(filter, paging);
    return {
      RegionId: region.regionId,
      PageNumber: paging.pageNumber,
      PageSize: paging.pageSize,
      TotalCount: page.totalCount,
      TaskSet: { Task: page.items.map(renderTask) },
    };
  },
});

/** A status that is none of the three is ignored, as documented. */
function filterOf(values: Values<typeof parameters>): TaskFilter {
  const status = STATUSES.find((one) => one.toLowerCase() === values.TaskStatus?.toLowerCase());
  return {
    ...(values.TaskIds !== null && { taskIds: values.TaskIds }),
    ...(values.ResourceIds.length > 0 && { resourceIds: values.ResourceIds }),
    ...(values.TaskAction !== null && { action: values.TaskAction }),
    ...(status !== undefined && { status }),
    ...(values.StartTime !== null && { createdFromMs: timeOf(values.StartTime, 'StartTime') }),
    ...(values.EndTime !== null && { createdUntilMs: timeOf(values.EndTime, 'EndTime') }),
  };
}

function timeOf(value: string, name: string): number {
  const timeMs = parseSecond(value);
  if (timeMs === null)
    throw invalidParameter('InvalidParameter', name, value, 'it must be UTC as yyyy-MM-ddTHH:mm:ssZ');
  return timeMs;
}
