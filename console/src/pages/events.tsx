/** What happened, the newest first and by itself; beside it, whom it is told to. */
import { Badge, Button, Empty, Space, Table, Tabs, Tag, Typography } from 'antd';
import type { TableColumnType } from 'antd';
import { Link } from 'wouter';
import { useEventHistory } from '../api/event-history.tsx';
import type { EventItem } from '../api/shapes-observe.ts';
import { PageHead } from '../lists/page-head.tsx';
import { FilterField } from '../lists/resource-list.tsx';
import { Id, Time } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { Problem } from '../shell/problem.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { observeWords } from '../words/observe.ts';
import { Webhooks } from './webhooks.tsx';

type EventWords = (typeof observeWords)['en']['events'];

const SHOWN_AT_ONCE = 100;
const MOST_SHOWN = 5000;

export function EventsPage() {
  const { events, webhooks } = useSection(observeWords);
  const view = useViewState();
  const tabs = [
    { key: 'events', label: events.tab, children: <EventList /> },
    { key: 'webhooks', label: webhooks.tab, children: <Webhooks /> },
  ];
  return (
    <>
      <PageHead title={events.title} intro={events.intro} />
      <Tabs
        items={tabs}
        activeKey={view.filterOf('tab') || 'events'}
        onChange={(tab) => view.set({ tab })}
        destroyOnHidden
      />
    </>
  );
}

function EventList() {
  const words = useWords();
  const { events } = useSection(observeWords);
  const view = useViewState();
  const wanted = Math.min(MOST_SHOWN, Number.parseInt(view.filterOf('size'), 10) || SHOWN_AT_ONCE);
  const day = view.filterOf('day');
  const { data, error, isFetching, refetch } = useEventHistory({
    day,
    type: view.filterOf('EventType'),
    resourceId: view.filterOf('ResourceId'),
    wanted,
  });
  const isFiltered = view.filterOf('EventType') !== '' || view.filterOf('ResourceId') !== '';
  const nothing = isFiltered ? words.list.nothingFound : day === '' ? events.empty : events.emptyDay;
  return (
    <>
      <Problem error={error} onRetry={() => void refetch()} />
      <EventFilters />
      <Table<EventItem>
        rowKey={({ Id: id }) => id}
        dataSource={[...(data?.events ?? [])]}
        columns={columnsOf(words, events)}
        loading={data === undefined && isFetching}
        size="middle"
        className="table"
        pagination={false}
        expandable={{
          expandedRowRender: (row) => (
            <>
              <Typography.Text type="secondary">{events.data}</Typography.Text>
              <pre className="code">{JSON.stringify(row, null, 2)}</pre>
            </>
          ),
        }}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={nothing} /> }}
      />
      {data === undefined || data.isWhole || wanted >= MOST_SHOWN ? null : (
        <Button
          style={{ marginTop: 12 }}
          loading={isFetching}
          onClick={() => view.set({ size: String(wanted + SHOWN_AT_ONCE) })}
        >
          {events.older}
        </Button>
      )}
    </>
  );
}

function EventFilters() {
  const { list } = useWords();
  const { events } = useSection(observeWords);
  const view = useViewState();
  const types = Object.entries(events.types).map(([value, label]) => ({ value, label: `${label} · ${value}` }));
  return (
    <div className="filters" role="search">
      <FilterField view={view} filter={{ name: 'day', label: events.day, options: null, isDay: true }} />
      <FilterField view={view} filter={{ name: 'EventType', label: events.type, options: types }} />
      <FilterField view={view} filter={{ name: 'ResourceId', label: events.resourceId, options: null }} />
      {view.hasFilters ? (
        <Button type="link" onClick={() => view.set({ day: '', EventType: '', ResourceId: '' })}>
          {list.clear}
        </Button>
      ) : null}
      <span className="spacer" />
      {view.filterOf('day') === '' ? <Typography.Text type="secondary">{events.lastDay}</Typography.Text> : null}
    </div>
  );
}

function columnsOf({ status }: Words, events: EventWords): TableColumnType<EventItem>[] {
  return [
    { key: 'time', title: events.time, render: (_value, row) => <Time at={row.Time} /> },
    {
      key: 'type',
      title: events.type,
      responsive: ['md'],
      render: (_value, row) => <Tag title={row.Type}>{events.types[row.Type] ?? row.Type}</Tag>,
    },
    { key: 'subject', title: events.subject, render: (_value, row) => <Subject event={row} /> },
    {
      key: 'said',
      title: events.said,
      render: (_value, row) => {
        // A disk that is available can be attached; an image can be used.
        const own = row.Type === 'ecs:Image:StateChange' ? events.imageStates : {};
        return <Said event={row} nameOf={(name) => own[name] ?? events.states[name] ?? status[name] ?? name} />;
      },
    },
  ];
}

/** Its name and id; leads to the disk, instance or task, if there still is one. */
function Subject({ event }: { event: EventItem }) {
  const name = ['diskName', 'snapshotName', 'instanceName', 'imageName', 'snapshotGroupName']
    .map((member) => textOf(event, member))
    .find((text) => text !== '' && text !== event.Subject);
  const place = placeOf(event);
  const shown = name ?? event.Subject;
  return (
    <span className="cell-name">
      {place === null ? <span>{shown}</span> : <Link href={place}>{shown}</Link>}
      {name === undefined ? null : <Id id={event.Subject} />}
    </span>
  );
}

function placeOf(event: EventItem): string | null {
  const isGone = textOf(event, 'newStatus') === 'Deleted';
  switch (event.Type.split(':')[1] ?? '') {
    case 'Disk':
      return isGone ? null : `/disks/${event.Subject}`;
    case 'Instance':
      return isGone ? null : `/instances/${event.Subject}`;
    case 'Snapshot':
      return textOf(event, 'diskId') === '' ? null : `/disks/${textOf(event, 'diskId')}`;
    case 'Task':
      return `/tasks?TaskIds=${encodeURIComponent(event.Subject)}`;
    default:
      return null;
  }
}

const tones: Readonly<Record<string, 'success' | 'error' | 'processing'>> = {
  failed: 'error',
  Failed: 'error',
  Deleted: 'error',
  accomplished: 'success',
  Finished: 'success',
  Running: 'success',
  In_use: 'success',
  progressing: 'processing',
  Processing: 'processing',
};

/** From which state to which, of which instance, and why. */
function Said({ event, nameOf }: { event: EventItem; nameOf: (status: string) => string }) {
  const { events } = useSection(observeWords);
  const [before, after] = [textOf(event, 'oldStatus'), textOf(event, 'newStatus')];
  const [reason, instanceId] = [textOf(event, 'reason'), textOf(event, 'instanceId')];
  return (
    <>
      <Space size={6} wrap>
        {before === '' || before === after ? null : <span>{nameOf(before)} →</span>}
        <Badge status={tones[after] ?? 'default'} text={nameOf(after)} />
        {instanceId === '' ? null : (
          <span>
            · {events.on} <Link href={`/instances/${instanceId}`}>{instanceId}</Link>
          </span>
        )}
      </Space>
      {reason === '' ? null : <Typography.Paragraph className="said">{reason}</Typography.Paragraph>}
    </>
  );
}

function textOf({ Data: data }: EventItem, member: string): string {
  return String(data[member] ?? '');
}
