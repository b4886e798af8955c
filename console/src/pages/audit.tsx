/** The audit log: who asked for what, and what came of it. */
import { Tag, Typography } from 'antd';
import { ACTION_TRAIL } from '../api/shapes-access.ts';
import type { AuditAnswer, AuditEvent } from '../api/shapes-access.ts';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column, Filter } from '../lists/resource-list.tsx';
import { Id, Time } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { useSection } from '../words/language.tsx';
import { accessWords } from '../words/access.ts';

/** By what it is looked up, each with its number among the parameters. */
const KEYS = ['User', 'EventName', 'ResourceName', 'EventRW'] as const;

const rowsOf = (answer: AuditAnswer) => answer.Events;
const idOf = ({ eventId }: AuditEvent) => eventId;

export function AuditPage() {
  const { audit } = useSection(accessWords);
  const view = useViewState();
  const asked = KEYS.map((key) => [key, view.filterOf(valueNameOf(key))] as const).filter(([, value]) => value !== '');
  const keys = Object.fromEntries(asked.map(([key]) => [`LookupAttribute.${numberOf(key)}.Key`, key]));
  const kinds = (['Read', 'Write'] as const).map((value) => ({ value, label: audit[value] }));
  const filters: Filter[] = [
    { name: valueNameOf('User'), label: audit.user, options: null },
    { name: valueNameOf('EventName'), label: audit.action, options: null },
    { name: valueNameOf('ResourceName'), label: audit.resource, options: null },
    { name: valueNameOf('EventRW'), label: audit.kind, options: kinds },
    {
      name: 'StartTime',
      label: audit.from,
      options: null,
      isDay: true,
      toParameter: (day) => timeOf(`${day}T00:00:00`),
    },
    {
      name: 'EndTime',
      label: audit.until,
      options: null,
      isDay: true,
      toParameter: (day) => timeOf(`${day}T23:59:59`),
    },
  ];
  return (
    <>
      <PageHead title={audit.title} intro={audit.intro} />
      <ResourceList<AuditEvent, AuditAnswer>
        action="LookupEvents"
        version={ACTION_TRAIL}
        parameters={keys}
        hasTokens
        {...{ rowsOf, idOf, filters }}
        empty={audit.empty}
        columns={columnsOf(audit)}
      />
    </>
  );
}

function columnsOf(audit: (typeof accessWords)['en']['audit']): Column<AuditEvent>[] {
  return [
    { key: 'time', title: audit.time, render: (row) => <Time at={row.eventTime} /> },
    {
      key: 'user',
      title: audit.user,
      render: ({ userIdentity: { type, userName } }) =>
        type === 'root-account' ? <Tag color="gold">{audit.root}</Tag> : userName || audit.unknown,
    },
    { key: 'action', title: audit.action, render: (row) => row.eventName },
    {
      key: 'outcome',
      title: audit.outcome,
      render: ({ errorCode, errorMessage }) =>
        errorCode === undefined ? (
          <Tag color="green">{audit.ok}</Tag>
        ) : (
          <>
            <Tag color="red">{errorCode}</Tag>
            <div>{errorMessage}</div>
          </>
        ),
    },
    { key: 'resource', title: audit.resource, render: (row) => row.resourceName.split(';').join(', ') || '–' },
    { key: 'source', title: audit.source, render: (row) => row.sourceIpAddress },
    { key: 'key', title: audit.key, render: (row) => row.userIdentity.accessKeyId || '–', isExtra: true },
    { key: 'request', title: 'RequestId', render: (row) => <Id id={row.eventId} /> },
    {
      key: 'parameters',
      title: audit.parameters,
      render: (row) => <Typography.Text className="cell-id">{row.requestParameterJson}</Typography.Text>,
      isExtra: true,
    },
  ];
}

function numberOf(key: (typeof KEYS)[number]): number {
  return KEYS.indexOf(key) + 1;
}

function valueNameOf(key: (typeof KEYS)[number]): string {
  return `LookupAttribute.${numberOf(key)}.Value`;
}

/** Of a moment in this browser's zone, as the API has it. */
function timeOf(local: string): string {
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
