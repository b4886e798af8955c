/** One policy: when it runs next and what retention deletes by then, its disks, and what its runs did. */
import { useState } from 'react';
import { Alert, Button, Card, Empty, Spin, Table, Tabs, Tag } from 'antd';
import { Link } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import type {
  AssociationsPage,
  PoliciesPage,
  PolicyPreview,
  PolicyRun,
  PolicyRunsPage,
  PreviewedDisk,
} from '../api/shapes-policies.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import { Id, Time, formatBytes } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { Problem } from '../shell/problem.tsx';
import { useSection, useWords } from '../words/language.tsx';
import { policyWords } from '../words/policies.ts';
import { NotFoundPage } from './not-found.tsx';
import { PolicyActDialog, policyActs, scheduleOf } from './policies.tsx';
import type { PolicyAct } from './policies.tsx';
import { CancelPolicyDialog } from './policy-dialogs.tsx';

const RUNS_SHOWN = 10;

export function PolicyPage({ id: policyId }: { id: string }) {
  const words = useSection(policyWords);
  const view = useViewState();
  const [act, setAct] = useState<PolicyAct | null>(null);
  const asked = { AutoSnapshotPolicyId: policyId };
  const { data, error, refetch } = useAnswer<PoliciesPage>('DescribeAutoSnapshotPolicyEx', asked);
  const policy = data?.AutoSnapshotPolicies.AutoSnapshotPolicy[0];
  if (error !== null) return <Problem error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Spin />;
  if (policy === undefined) return <NotFoundPage />;
  const tabs = [
    { key: 'preview', label: words.details, children: <Preview policyId={policyId} /> },
    { key: 'disks', label: words.disks, children: <Disks policyId={policyId} /> },
    { key: 'runs', label: words.runs, children: <Runs policyId={policyId} /> },
  ];
  const actions = policyActs.map((key) => (
    <Button key={key} danger={key === 'delete'} onClick={() => setAct(key)}>
      {words[key]}
    </Button>
  ));
  return (
    <>
      <PageHead
        title={policy.AutoSnapshotPolicyName || policyId}
        intro={
          <>
            {scheduleOf(policy, words)} <Id id={policyId} />
          </>
        }
        actions={actions}
      />
      <Tabs
        items={tabs}
        activeKey={view.filterOf('tab') || 'preview'}
        onChange={(tab) => view.set({ tab })}
        destroyOnHidden
      />
      {act === null ? null : <PolicyActDialog {...{ act, policy }} onClose={() => setAct(null)} />}
    </>
  );
}

function Preview({ policyId }: { policyId: string }) {
  const words = useSection(policyWords);
  const asked = { AutoSnapshotPolicyId: policyId, Runs: RUNS_SHOWN };
  const { data, error, refetch } = useAnswer<PolicyPreview>('HupoPreviewPolicy', asked);
  if (error !== null) return <Problem error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Spin />;
  return (
    <>
      <Card size="small" title={words.nextRuns}>
        {data.Runs.Run.length === 0 ? words.noRuns : null}
        <ol className="runs">
          {data.Runs.Run.map((at) => (
            <li key={at}>
              <Time at={at} />
            </li>
          ))}
        </ol>
      </Card>
      {data.Disks.Disk.length === 0 ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.noDisks} /> : null}
      {data.Disks.Disk.map((disk) => (
        <DiskPreview key={disk.DiskId} disk={disk} />
      ))}
    </>
  );
}

interface PreviewRow {
  id: string;
  at: string;
  reason: string;
  deletedAt: string | null;
}

function DiskPreview({ disk }: { disk: PreviewedDisk }) {
  const { field } = useWords();
  const words = useSection(policyWords);
  const [isOpen, setIsOpen] = useState(false);
  const held = disk.HeldSnapshotIds.SnapshotId.length;
  const deleted = disk.DeletedSnapshots.Snapshot.map(({ SnapshotId, CreationTime, Reason, DeletionTime }) => ({
    ...{ id: SnapshotId, at: CreationTime, reason: Reason, deletedAt: DeletionTime },
  }));
  const kept = disk.KeptSnapshots.Snapshot.map(({ SnapshotId, CreationTime, Reason }) => ({
    ...{ id: SnapshotId, at: CreationTime, reason: Reason, deletedAt: null },
  }));
  const title = (
    <>
      {words.ofDisk} <Link href={`/disks/${disk.DiskId}`}>{disk.DiskId}</Link>
      {disk.FreedSize > 0 ? ` · ${words.frees(formatBytes(disk.FreedSize))}` : null}
    </>
  );
  return (
    <Card size="small" title={title} style={{ marginTop: 16 }}>
      {held > 0 ? (
        <Alert
          type="warning"
          showIcon
          title={words.held(held)}
          action={<Button onClick={() => setIsOpen(true)}>{words.approve}</Button>}
          style={{ marginBottom: 12 }}
        />
      ) : null}
      {deleted.length === 0 ? <p>{words.nothingDeleted}</p> : null}
      <Table<PreviewRow>
        size="small"
        rowKey="id"
        dataSource={[...deleted, ...kept]}
        pagination={{ pageSize: 10, hideOnSinglePage: true }}
        columns={[
          { title: field.created, render: (_none, row) => <Time at={row.at} /> },
          {
            title: words.willDelete,
            render: (_none, row) =>
              row.deletedAt === null ? <Tag color="green">{words.stays}</Tag> : <Time at={row.deletedAt} />,
          },
          { title: words.why, dataIndex: 'reason' },
          { title: field.id, render: (_none, row) => (row.id === '' ? '–' : <Id id={row.id} />) },
        ]}
      />
      {isOpen ? (
        <ActionDialog
          title={words.approve}
          intro={words.held(held)}
          action="HupoApproveRetention"
          toParameters={() => ({ DiskId: disk.DiskId })}
          submit={words.approve}
          isDangerous
          onClose={() => setIsOpen(false)}
        />
      ) : null}
    </Card>
  );
}

type Association = AssociationsPage['AutoSnapshotPolicyAssociations']['AutoSnapshotPolicyAssociation'][number];

function Disks({ policyId }: { policyId: string }) {
  const { field, list } = useWords();
  const words = useSection(policyWords);
  const [diskId, setDiskId] = useState<string | null>(null);
  return (
    <>
      <ResourceList<Association, AssociationsPage>
        action="DescribeAutoSnapshotPolicyAssociations"
        parameters={{ AutoSnapshotPolicyId: policyId }}
        hasTokens
        rowsOf={associationsOf}
        idOf={diskIdOf}
        empty={words.noDisks}
        filters={[]}
        columns={[
          {
            key: 'disk',
            title: field.disk,
            render: ({ DiskId }) => <Link href={`/disks/${DiskId}`}>{DiskId}</Link>,
          },
          {
            key: 'actions',
            title: list.actions,
            render: ({ DiskId }) => <Button onClick={() => setDiskId(DiskId)}>{words.remove}</Button>,
          },
        ]}
      />
      {diskId === null ? null : <CancelPolicyDialog {...{ policyId, diskId }} onClose={() => setDiskId(null)} />}
    </>
  );
}

const associationsOf = (answer: AssociationsPage) =>
  answer.AutoSnapshotPolicyAssociations.AutoSnapshotPolicyAssociation;
const diskIdOf = ({ DiskId }: Association) => DiskId;

const runsOf = (answer: PolicyRunsPage) => answer.Runs.Run;
const runIdOf = ({ AutoSnapshotPolicyId, TimePoint }: PolicyRun) => `${AutoSnapshotPolicyId} ${TimePoint}`;

function Runs({ policyId }: { policyId: string }) {
  const { field } = useWords();
  const words = useSection(policyWords);
  return (
    <ResourceList<PolicyRun, PolicyRunsPage>
      action="HupoDescribePolicyRuns"
      parameters={{ AutoSnapshotPolicyId: policyId }}
      rowsOf={runsOf}
      idOf={runIdOf}
      empty={words.noPastRuns}
      filters={[]}
      columns={[
        {
          key: 'time',
          title: words.time,
          render: (run) => (
            <>
              <Time at={run.TimePoint} />
              {run.MissedRuns > 0 ? <div>{words.missedRuns(run.MissedRuns)}</div> : null}
            </>
          ),
        },
        { key: 'outcome', title: words.outcome, render: (run) => <Outcome run={run} /> },
        { key: 'disks', title: field.disk, render: (run) => run.Disks.Disk.length },
      ]}
    />
  );
}

/** How many came to what; those that did not work one by one. */
function Outcome({ run }: { run: PolicyRun }) {
  const words = useSection(policyWords);
  const counts = Map.groupBy(run.Disks.Disk, ({ State }) => State);
  const told = run.Disks.Disk.filter(({ State }) => State === 'failed' || State === 'skipped').slice(0, 10);
  return (
    <>
      {[...counts].map(([state, disks]) => (
        <Tag key={state} color={state === 'failed' ? 'red' : state === 'done' ? 'green' : 'default'}>
          {`${words.states[state] ?? state} ${disks.length}`}
        </Tag>
      ))}
      {told.map(({ DiskId, Reason }) => (
        <div key={DiskId}>
          <Link href={`/disks/${DiskId}`}>{DiskId}</Link> {Reason}
        </div>
      ))}
    </>
  );
}
