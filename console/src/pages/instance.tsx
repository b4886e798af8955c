/** One instance: what it is, its disks and their snapshots, as the documentation walks through it. */
import { useState } from 'react';
import { Button, Descriptions, Space, Spin, Tabs } from 'antd';
import { useAnswer } from '../api/session.tsx';
import type { Instance, InstancesPage } from '../api/shapes.ts';
import { PageHead } from '../lists/page-head.tsx';
import { Id, LockMarks, Status, TagList, Time } from '../lists/show.tsx';
import { useViewState } from '../lists/view-state.ts';
import { Problem } from '../shell/problem.tsx';
import { useWords } from '../words/language.tsx';
import { DiskTable } from './disk-table.tsx';
import { InstanceDialog } from './instance-dialogs.tsx';
import type { InstanceAct } from './instance-dialogs.tsx';
import { instanceMenu } from './instances.tsx';
import { NotFoundPage } from './not-found.tsx';
import { SnapshotTable } from './snapshot-table.tsx';

export function InstancePage({ id: instanceId }: { id: string }) {
  const words = useWords();
  const view = useViewState();
  const [act, setAct] = useState<InstanceAct | null>(null);
  const asked = { InstanceIds: JSON.stringify([instanceId]) };
  const { data, error, refetch } = useAnswer<InstancesPage>('DescribeInstances', asked);
  const instance = data?.Instances.Instance[0];
  if (error !== null) return <Problem error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Spin />;
  if (instance === undefined) return <NotFoundPage />;
  const parameters = { InstanceId: instanceId };
  const tabs = [
    { key: 'details', label: words.disks.details, children: <Facts instance={instance} /> },
    {
      key: 'disks',
      label: words.disks.title,
      children: <DiskTable parameters={parameters} empty={words.disks.empty} />,
    },
    {
      key: 'snapshots',
      label: words.snapshots.title,
      children: <SnapshotTable parameters={parameters} empty={words.snapshots.emptyOfDisk} />,
    },
  ];
  const actions = instanceMenu(words, instance).map(({ key, label, disabled, danger }) => (
    <Button key={key} disabled={disabled} danger={danger} onClick={() => setAct(key)}>
      {label}
    </Button>
  ));
  return (
    <>
      <PageHead title={instance.InstanceName || instanceId} intro={<Id id={instanceId} />} actions={actions} />
      <Tabs
        items={tabs}
        activeKey={view.filterOf('tab') || 'details'}
        onChange={(tab) => view.set({ tab })}
        destroyOnHidden
      />
      {act === null ? null : <InstanceDialog act={act} chosen={[instance]} onClose={() => setAct(null)} />}
    </>
  );
}

function Facts({ instance }: { instance: Instance }) {
  const { field } = useWords();
  const items = [
    {
      label: field.status,
      children: (
        <Space>
          <Status status={instance.Status} />
          <LockMarks reasons={instance.OperationLocks.LockReason.map(({ LockReason }) => LockReason)} />
        </Space>
      ),
    },
    {
      label: field.machine,
      children: `${instance.InstanceType} (${field.cores(instance.Cpu, instance.Memory / 1024)})`,
    },
    { label: field.privateIp, children: instance.VpcAttributes.PrivateIpAddress.IpAddress.join(', ') || '–' },
    { label: field.image, children: instance.ImageId || '–' },
    { label: field.zone, children: instance.ZoneId },
    { label: field.created, children: <Time at={instance.CreationTime} /> },
    { label: field.charge, children: instance.InstanceChargeType },
    { label: field.tags, children: <TagList tags={instance.Tags.Tag} /> },
    { label: field.description, children: instance.Description || '–' },
  ];
  return (
    <Descriptions
      bordered
      size="small"
      column={{ xs: 1, md: 2 }}
      items={items.map((item) => ({ key: item.label, ...item }))}
    />
  );
}
