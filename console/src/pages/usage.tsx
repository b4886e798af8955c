/** What snapshots took of the repository in a time, and what that cost: by day as a chart, by disk, tag or day as a table and as a file. */
import { useState } from 'react';
import { DownloadOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Empty, Segmented, Select, Statistic, Table } from 'antd';
import type { TableColumnType } from 'antd';
import { readCosts, useCosts } from '../api/costs.tsx';
import type { Costs } from '../api/costs.tsx';
import { useAnswer, useSession } from '../api/session.tsx';
import type { CountedTagsPage, SnapshotsUsage } from '../api/shapes-observe.ts';
import type { DisksPage } from '../api/shapes.ts';
import { BarChart } from '../lists/bar-chart.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { FilterField } from '../lists/resource-list.tsx';
import { Id, NameAndId, formatBytes } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { Problem } from '../shell/problem.tsx';
import { useSection } from '../words/language.tsx';
import { observeWords } from '../words/observe.ts';
import { feeText, formatCsv, gibHoursText, listPeriods, planSpan, sumUp } from './usage-plan.ts';
import type { UsageRow, UsageSpan } from './usage-plan.ts';

type UsageWords = (typeof observeWords)['en']['usage'];

/** Of a table, and of a file: which the server makes at most. */
const MOST_SHOWN = 10_000;
const MOST_IN_FILE = 100_000;

interface Asked {
  span: UsageSpan;
  by: 'Disk' | 'Tag' | 'None';
  tagKey: string;
  diskId: string;
}

export function UsagePage() {
  const { usage } = useSection(observeWords);
  const asked = useAsked();
  const { span, diskId } = asked;
  const total = useCosts(parametersOf({ ...asked, by: 'None' }, span.Period), MOST_SHOWN);
  const [refused, setRefused] = useState<unknown>(null);
  const { data } = total;
  return (
    <>
      <PageHead title={usage.title} intro={usage.intro} actions={<Download asked={asked} onRefused={setRefused} />} />
      <Problem error={refused ?? total.error} onRetry={() => void total.refetch()} />
      <Totals costs={data} />
      <UsageFilters asked={asked} />
      {data === undefined ? null : <DayChart costs={data} span={span} />}
      <Breakdown key={`${asked.by}${diskId}`} asked={asked} total={data} />
      {data === undefined || data.currency !== '' ? null : <p>{usage.noPrices}</p>}
    </>
  );
}

function useAsked(): Asked {
  const view = useViewState();
  const by = view.filterOf('by');
  return {
    span: planSpan(view.filterOf('from'), view.filterOf('to'), Date.now()),
    by: by === 'Tag' || by === 'None' ? by : 'Disk',
    tagKey: view.filterOf('TagKey'),
    diskId: view.filterOf('DiskId'),
  };
}

function parametersOf({ span, by, tagKey, diskId }: Asked, period: 'Day' | 'Month') {
  const { StartTime, EndTime } = span;
  const tag = by === 'Tag' ? { TagKey: tagKey } : {};
  return { StartTime, EndTime, Period: period, GroupBy: by, DiskId: diskId, ...tag };
}

function Totals({ costs }: { costs: Costs | undefined }) {
  const { usage } = useSection(observeWords);
  const { data, error } = useAnswer<SnapshotsUsage>('DescribeSnapshotsUsage', {});
  const bytes = (count: number | undefined) => (count === undefined ? '–' : formatBytes(count));
  const uncounted = data?.UncountedCount ?? 0;
  return (
    <>
      <Problem error={error} />
      <div className="tiles">
        <Card size="small">
          <Statistic
            title={usage.snapshots}
            value={data?.SnapshotCount ?? '–'}
            {...(uncounted > 0 ? { suffix: `· ${usage.uncounted(uncounted)}` } : {})}
          />
        </Card>
        <Card size="small">
          <Statistic title={usage.stored} value={bytes(data?.SnapshotSize)} />
        </Card>
        <Card size="small">
          <Statistic
            title={`${usage.undo} · ${usage.recycled}`}
            value={`${bytes(data?.UndoSize)} · ${bytes(data?.RecycledSize)}`}
          />
        </Card>
        <Card size="small">
          <Statistic
            title={`${usage.chosenDays} (${costs !== undefined && costs.currency !== '' ? costs.currency : usage.gibHours})`}
            value={
              costs === undefined ? '–' : costs.currency === '' ? gibHoursText(costs.totalGibHours) : costs.totalCost
            }
          />
        </Card>
      </div>
    </>
  );
}

function UsageFilters({ asked: { span, by, tagKey } }: { asked: Asked }) {
  const { usage } = useSection(observeWords);
  const view = useViewState();
  const groups = [
    { value: 'Disk', label: usage.byDisk },
    { value: 'Tag', label: usage.byTag },
    { value: 'None', label: span.Period === 'Day' ? usage.byDay : usage.byMonth },
  ];
  const shown = { ...view, filterOf: (name: string) => view.filterOf(name) || (name === 'from' ? span.from : span.to) };
  return (
    <div className="filters" role="search">
      <FilterField view={shown} filter={{ name: 'from', label: usage.from, options: null, isDay: true }} />
      <FilterField view={shown} filter={{ name: 'to', label: usage.to, options: null, isDay: true }} />
      <FilterField view={view} filter={{ name: 'DiskId', label: usage.diskId, options: null }} />
      <span className="spacer" />
      <span>{usage.by}</span>
      <Segmented
        aria-label={usage.by}
        value={by}
        options={groups}
        onChange={(value) => view.set({ by: value === 'Disk' ? '' : value })}
      />
      {by === 'Tag' ? <TagKeyChoice chosen={tagKey} onChoose={(key) => view.set({ TagKey: key })} /> : null}
    </div>
  );
}

/** Keys that disks have now. */
function TagKeyChoice({ chosen, onChoose }: { chosen: string; onChoose: (key: string) => void }) {
  const { usage } = useSection(observeWords);
  const { data } = useAnswer<CountedTagsPage>('DescribeTags', { ResourceType: 'disk', PageSize: 100 });
  const keys = new Set([chosen, ...(data?.Tags.Tag ?? []).map(({ TagKey }) => TagKey)].filter((key) => key !== ''));
  return (
    <Select
      aria-label={usage.tagKey}
      placeholder={usage.tagKey}
      value={chosen === '' ? null : chosen}
      options={[...keys].map((value) => ({ value, label: value }))}
      onChange={(key: string) => onChoose(key)}
      showSearch
      popupMatchSelectWidth={false}
      className="tag-key"
    />
  );
}

function DayChart({ costs, span }: { costs: Costs; span: UsageSpan }) {
  const { usage } = useSection(observeWords);
  const view = useViewState();
  const hasPrices = costs.currency !== '';
  const isCost = hasPrices && view.filterOf('measure') !== 'size';
  const byPeriod = new Map(sumUp(costs.rows, ({ Period }) => Period).map((row) => [row.subject, row]));
  const hasArchive = costs.rows.some(({ Category, GiBHours }) => Category === 'archive' && GiBHours > 0);
  const bars = listPeriods(span, Date.now()).map((name) => {
    const row = byPeriod.get(name);
    const sizes = hasArchive ? [row?.standard ?? 0, row?.archive ?? 0] : [row?.gibHours ?? 0];
    const values = isCost ? [(row?.fee ?? 0) / 100_000] : sizes;
    return { name, shortName: span.Period === 'Day' ? name.slice('2026-'.length) : name, values };
  });
  const what = isCost ? `${usage.cost} (${costs.currency})` : usage.gibHours;
  const sizes = hasArchive ? [usage.standard, usage.archive] : [usage.gibHours];
  const format = (value: number) => (isCost ? String(Number(value.toFixed(5))) : gibHoursText(value));
  return (
    <Card
      size="small"
      title={<h2 className="card-title">{usage.chart(what, span.from, span.to)}</h2>}
      style={{ marginBottom: 16 }}
    >
      {hasPrices ? <MeasureChoice isCost={isCost} onChoose={(measure) => view.set({ measure })} /> : null}
      {costs.rows.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={usage.empty} />
      ) : (
        <BarChart
          label={labelOf(usage, usage.chart(what, span.from, span.to), bars, format)}
          series={isCost ? [usage.cost] : sizes}
          {...{ bars, format }}
        />
      )}
    </Card>
  );
}

function MeasureChoice({ isCost, onChoose }: { isCost: boolean; onChoose: (measure: string) => void }) {
  const { usage } = useSection(observeWords);
  const options = [
    { value: '', label: usage.cost },
    { value: 'size', label: usage.gibHours },
  ];
  return <Segmented aria-label={usage.measure} value={isCost ? '' : 'size'} options={options} onChange={onChoose} />;
}

function labelOf(
  usage: UsageWords,
  title: string,
  bars: readonly { name: string; values: readonly number[] }[],
  format: (value: number) => string,
): string {
  const heights = bars.map(({ values }) => values.reduce((total, value) => total + value, 0));
  const highest = Math.max(0, ...heights);
  return `${title}. ${usage.highest(format(highest), bars[heights.indexOf(highest)]?.name ?? '')}`;
}

/** The same time by disk, by a tag, or by the periods of the chart. */
function Breakdown({ asked, total }: { asked: Asked; total: Costs | undefined }) {
  const { usage } = useSection(observeWords);
  const isByPeriod = asked.by === 'None';
  const isReady = asked.by !== 'Tag' || asked.tagKey !== '';
  const grouped = useCosts(parametersOf(asked, 'Month'), MOST_SHOWN, !isByPeriod && isReady);
  const costs = isByPeriod ? total : grouped.data;
  if (!isReady) return <Alert type="info" showIcon title={usage.chooseTagKey} />;
  const rows = sumUp(costs?.rows ?? [], ({ Period, DiskId, TagValue }) =>
    isByPeriod ? Period : (DiskId ?? TagValue ?? ''),
  );
  if (isByPeriod) rows.sort((one, other) => (one.subject < other.subject ? 1 : -1));
  return (
    <>
      {isByPeriod ? null : <Problem error={grouped.error} onRetry={() => void grouped.refetch()} />}
      {costs?.isCut === true ? <Alert type="warning" showIcon title={usage.cut} style={{ marginBottom: 12 }} /> : null}
      <UsageTable {...{ asked, rows }} currency={costs?.currency ?? ''} isLoading={costs === undefined} />
    </>
  );
}

interface UsageTableProps {
  asked: Asked;
  rows: readonly UsageRow[];
  currency: string;
  isLoading: boolean;
}

function UsageTable({ asked, rows, currency, isLoading }: UsageTableProps) {
  const { usage } = useSection(observeWords);
  const all = rows.reduce((sum, { gibHours }) => sum + gibHours, 0);
  const fee = rows.reduce((sum, row) => sum + row.fee, 0);
  const right = { align: 'right' } as const;
  const columns: TableColumnType<UsageRow>[] = [
    { key: 'subject', title: titleOf(usage, asked), render: (_value, row) => row.subject },
    { key: 'standard', title: usage.standard, ...right, render: (_value, row) => gibHoursText(row.standard) },
    { key: 'archive', title: usage.archive, ...right, render: (_value, row) => gibHoursText(row.archive) },
    { key: 'sum', title: usage.gibHours, ...right, render: (_value, row) => gibHoursText(row.gibHours) },
    ...(currency === ''
      ? []
      : [
          {
            key: 'cost',
            title: `${usage.cost} (${currency})`,
            ...right,
            render: (_value: unknown, row: UsageRow) => feeText(row.fee),
          },
        ]),
    {
      key: 'share',
      title: usage.share,
      ...right,
      render: (_value, row) => (all === 0 ? '–' : `${((row.gibHours / all) * 100).toFixed(1)} %`),
    },
  ];
  const names = useDiskNames(asked.by === 'Disk' ? rows.slice(0, 100).map(({ subject }) => subject) : []);
  const [first, ...others] = columns;
  const subject: TableColumnType<UsageRow> = {
    ...first,
    render: (_value, row) => <Subject by={asked.by} subject={row.subject} names={names} />,
  };
  return (
    <Table<UsageRow>
      rowKey={(row) => row.subject}
      dataSource={[...rows]}
      columns={[subject, ...others]}
      loading={isLoading}
      size="middle"
      className="table"
      pagination={{ showTotal: (count) => `${usage.total}: ${count}`, hideOnSinglePage: true }}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={usage.empty} /> }}
      {...(rows.length < 2 ? {} : { summary: () => <TotalRow sums={rows} fee={currency === '' ? null : fee} /> })}
    />
  );
}

function TotalRow({ sums, fee }: { sums: readonly UsageRow[]; fee: number | null }) {
  const { usage } = useSection(observeWords);
  const sumOf = (member: 'standard' | 'archive' | 'gibHours') =>
    gibHoursText(sums.reduce((total, row) => total + row[member], 0));
  const cells = [sumOf('standard'), sumOf('archive'), sumOf('gibHours'), ...(fee === null ? [] : [feeText(fee)]), ''];
  return (
    <Table.Summary.Row>
      <Table.Summary.Cell index={0}>{usage.total}</Table.Summary.Cell>
      {cells.map((text, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <Table.Summary.Cell key={index} index={index + 1} align="right">
          {text}
        </Table.Summary.Cell>
      ))}
    </Table.Summary.Row>
  );
}

function titleOf(usage: UsageWords, { by, tagKey, span }: Asked): string {
  if (by === 'Disk') return usage.byDisk;
  if (by === 'Tag') return tagKey;
  return span.Period === 'Day' ? usage.byDay : usage.byMonth;
}

interface SubjectProps {
  by: Asked['by'];
  subject: string;
  /** Null: they are not known yet. */
  names: ReadonlyMap<string, string> | null;
}

function Subject({ by, subject, names }: SubjectProps) {
  const { usage } = useSection(observeWords);
  if (by === 'None') return <>{subject}</>;
  if (by === 'Tag') return <span className="said">{subject === '' ? <i>{usage.untagged}</i> : subject}</span>;
  const name = names?.get(subject);
  if (name !== undefined) return <NameAndId name={name} id={subject} to={`/disks/${subject}`} />;
  return (
    <span className="cell-name">
      <Id id={subject} />
      {names === null ? null : <span>{usage.deleted}</span>}
    </span>
  );
}

function useDiskNames(diskIds: readonly string[]): ReadonlyMap<string, string> | null {
  const { data, isPlaceholderData } = useAnswer<DisksPage>(
    'DescribeDisks',
    { DiskIds: JSON.stringify(diskIds), PageSize: 100 },
    { isEnabled: diskIds.length > 0 },
  );
  if (data === undefined || isPlaceholderData) return null;
  return new Map(data.Disks.Disk.map(({ DiskId, DiskName }) => [DiskId, DiskName]));
}

/** Every day or month of the chosen time, grouped as the table. */
function Download({ asked, onRefused }: { asked: Asked; onRefused: (error: unknown) => void }) {
  const { usage } = useSection(observeWords);
  const { api, regionId } = useSession();
  const [isBusy, setIsBusy] = useState(false);
  const download = async () => {
    setIsBusy(true);
    onRefused(null);
    try {
      const parameters = { RegionId: regionId, ...parametersOf(asked, asked.span.Period) };
      const costs = await readCosts(api, parameters, { most: MOST_IN_FILE });
      const subject = asked.by === 'None' ? null : asked.by === 'Disk' ? 'disk' : asked.tagKey;
      save(`snapshots-${asked.span.from}-${asked.span.to}.csv`, formatCsv(costs.rows, subject, costs.currency));
    } catch (error) {
      onRefused(error);
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <Button
      icon={<DownloadOutlined />}
      loading={isBusy}
      disabled={asked.by === 'Tag' && asked.tagKey === ''}
      onClick={() => void download()}
    >
      {usage.csv}
    </Button>
  );
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
