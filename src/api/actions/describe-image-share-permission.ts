/** DescribeImageSharePermission: the accounts that an image is shared with, by page number. */
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { pagingOf, pagingParameters } from '../filters.ts';
import { required, text } from '../parameters.ts';

const { PageNumber, PageSize } = pagingParameters(100);

export const describeImageSharePermission = defineAction({
  name: 'DescribeImageSharePermission',
  parameters: { ImageId: required(text()), PageNumber, PageSize },
  run: async (values, { control, region }) => {
    const paging = pagingOf({ ...values, MaxResults: null, NextToken: null });
    const page = await control.listImageShares(values.ImageId, paging);
    return {
      ImageId: values.ImageId,
      RegionId: region.regionId,
      PageNumber: paging.pageNumber,
      PageSize: paging.pageSize,
      TotalCount: page.totalCount,
      Accounts: {
        Account: page.items.map(({ accountId, sharedAtMs }) => ({
          AliyunId: accountId,
          SharedTime: formatSecond(sharedAtMs),
        })),
      },
      ShareGroups: { ShareGroup: [] },
    };
  },
});
