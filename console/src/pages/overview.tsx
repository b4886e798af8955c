/** Is every disk protected, what is going on, and what went wrong. Of the newest hundred disks it says which are not protected. */
import { Card, Empty, List, Statistic } from 'antd';
import { Link } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import type { DisksPage, InstancesPage, SnapshotsPage } from '../api/shapes.ts';
import { PageHead } from '../lists/page-head.tsx';
import { NameAndId, SnapshotStatus, formatBytes } from '../lists/show.tsx';
import { Problem } from '../shell/problem.tsx';
import { useSection } from '../words/language.tsx';
import { overviewWords } from '../words/overview.ts';

const MOVING_MS = 1000;

export function OverviewPage() {
  const overview = useSection(overviewWords);
  return (
    <>
      <PageHead title={overview.title} intro={overview.intro} />
      <Tiles />
      <div className="tiles">
        <Working />
        <Failed />
      </div>
      <Unprotected />
    </>
  );
}

function Tiles() {
  const overview = useSection(overviewWords);
  const disks = useAnswer<DisksPage>('DescribeDisks', { PageSize: 1 });
  const instances = useAnswer<InstancesPage>('DescribeInstances', { PageSize: 1 });
  const running = useAnswer<InstancesPage>('DescribeInstances', { PageSize: 1, Status: 'Running' });
  const usage = useAnswer<{ SnapshotCount: number; SnapshotSize: number }>('DescribeSnapshotsUsage', {});
  return (
    <>
      <Problem error={disks.error ?? instances.error ?? usage.error} />
      <div className="tiles">
        <Card size="small">
          <Statistic title={overview.disks} value={disks.data?.TotalCount ?? '–'} />
        </Card>
        <Card size="small">
          <Statistic
            title={overview.instances}
            value={instances.data?.TotalCount ?? '–'}
            suffix={`· ${running.data?.TotalCount ?? '–'} ${overview.running}`}
          />
        </Card>
        <Card size="small">
          <Statistic title={overview.snapshots} value={usage.data?.SnapshotCount ?? '–'} />
        </Card>
        <Card size="small">
          <Statistic
            title={overview.stored}
            value={usage.data === undefined ? '–' : formatBytes(usage.data.SnapshotSize)}
          />
        </Card>
      </div>
    </>
  );
}

function Working() {
  const overview = useSection(overviewWords);
  const { data } = useAnswer<SnapshotsPage>(
    'DescribeSnapshots',
    { Status: 'progressing', PageSize: 10 },
    { refreshMs: (answer) => (answer !== undefined && answer.TotalCount > 0 ? MOVING_MS : false) },
  );
  return <SnapshotCard title={overview.working} nothing={overview.nothingWorking} page={data} />;
}

function Failed() {
  const overview = useSection(overviewWords);
  const { data } = useAnswer<SnapshotsPage>('DescribeSnapshots', { Status: 'failed', PageSize: 10 });
  return <SnapshotCard title={overview.failed} nothing={overview.nothingFailed} page={data} />;
}

function SnapshotCard({ title, nothing, page }: { title: string; nothing: string; page: SnapshotsPage | undefined }) {
  const rows = page?.Snapshots.Snapshot ?? [];
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 15 }}>{title}</h2>}>
      {rows.length === 0 ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={nothing} /> : null}
      {rows.map((row) => (
        <div key={row.SnapshotId} style={{ marginBottom: 12 }}>
          <NameAndId name={row.SnapshotName ?? ''} id={row.SnapshotId} to={`/disks/${row.SourceDiskId}`} />
          <SnapshotStatus snapshot={row} />
          {row.FailureReason === undefined ? null : <div>{row.FailureReason}</div>}
        </div>
      ))}
    </Card>
  );
}

/** Neither a policy nor an accomplished snapshot among the newest hundred. */
function Unprotected() {
  const overview = useSection(overviewWords);
  const { data: disks } = useAnswer<DisksPage>('DescribeDisks', { PageSize: 100 });
  const { data: snapshots } = useAnswer<SnapshotsPage>('DescribeSnapshots', { Status: 'accomplished', PageSize: 100 });
  if (disks === undefined || snapshots === undefined) return null;
  const covered = new Set(snapshots.Snapshots.Snapshot.map(({ SourceDiskId }) => SourceDiskId));
  const bare = disks.Disks.Disk.filter((disk) => disk.AutoSnapshotPolicyId === '' && !covered.has(disk.DiskId));
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 15 }}>{overview.unprotected}</h2>}>
      <p style={{ marginTop: 0 }}>{bare.length === 0 ? overview.allProtected : overview.unprotectedHint}</p>
      <List
        size="small"
        dataSource={bare}
        locale={{ emptyText: ' ' }}
        pagination={bare.length > 10 ? { pageSize: 10 } : false}
        renderItem={(disk) => (
          <List.Item extra={<Link href={`/disks/${disk.DiskId}`}>{`${disk.Size} GiB`}</Link>}>
            <NameAndId name={disk.DiskName} id={disk.DiskId} to={`/disks/${disk.DiskId}`} />
          </List.Item>
        )}
      />
    </Card>
  );
}
