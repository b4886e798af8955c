/** All instances of the region. */
import { useState } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown, Space } from 'antd';
import type { Instance, InstancesPage as InstancesAnswer } from '../api/shapes.ts';
import { EditTagsDialog } from '../forms/tags-dialog.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column, Filter } from '../lists/resource-list.tsx';
import { LockMarks, NameAndId, Status, TagList, Time } from '../lists/show.tsx';
import { useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { CreateInstanceDialog, InstanceDialog } from './instance-dialogs.tsx';
import type { InstanceAct } from './instance-dialogs.tsx';

interface Open {
  act: InstanceAct | 'tags';
  chosen: readonly Instance[];
  done: () => void;
}

const acts = ['start', 'stop', 'reboot', 'release'] as const;
const rowsOf = (answer: InstancesAnswer) => answer.Instances.Instance;
const idOf = ({ InstanceId }: Instance) => InstanceId;
const taggedOf = ({ InstanceId: id, Tags }: Instance) => ({ id, tags: Tags.Tag });

export function InstancesPage() {
  const words = useWords();
  const [isCreating, setIsCreating] = useState(false);
  const [open, setOpen] = useState<Open | null>(null);
  const close = (isDone: boolean) => {
    if (isDone) open?.done();
    setOpen(null);
  };
  return (
    <>
      <PageHead
        title={words.instances.title}
        intro={words.instances.intro}
        actions={
          <Button type="primary" onClick={() => setIsCreating(true)}>
            {words.instances.create}
          </Button>
        }
      />
      <ResourceList<Instance, InstancesAnswer>
        action="DescribeInstances"
        {...{ rowsOf, idOf }}
        columns={[...columnsOf(words), actionColumn(words, setOpen)]}
        filters={filtersOf(words)}
        hasTags
        empty={words.instances.empty}
        isMoving={({ Status: status }) => status !== 'Running' && status !== 'Stopped'}
        bulk={(chosen, done) => (
          <Space wrap>
            {acts.map((act) => (
              <Button key={act} danger={act === 'release'} onClick={() => setOpen({ act, chosen, done })}>
                {words.instances[act]}
              </Button>
            ))}
            <Button onClick={() => setOpen({ act: 'tags', chosen, done })}>{words.form.editTags}</Button>
          </Space>
        )}
      />
      {open === null ? null : open.act === 'tags' ? (
        <EditTagsDialog resourceType="instance" chosen={open.chosen.map(taggedOf)} onClose={close} />
      ) : (
        <InstanceDialog act={open.act} chosen={open.chosen} onClose={close} />
      )}
      {isCreating ? <CreateInstanceDialog onClose={() => setIsCreating(false)} /> : null}
    </>
  );
}

/** What is offered for an instance in its state. */
export function instanceMenu({ instances }: Words, { Status: status }: Instance) {
  return acts.map((key) => ({
    key,
    label: instances[key],
    danger: key === 'release',
    disabled:
      (key === 'start' && status !== 'Stopped') || ((key === 'stop' || key === 'reboot') && status !== 'Running'),
  }));
}

function columnsOf({ field }: Words): Column<Instance>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.InstanceName} id={row.InstanceId} to={`/instances/${row.InstanceId}`} />,
      sortBy: (row) => row.InstanceName,
    },
    {
      key: 'status',
      title: field.status,
      render: (row) => (
        <Space size={4}>
          <Status status={row.Status} />
          <LockMarks reasons={row.OperationLocks.LockReason.map(({ LockReason }) => LockReason)} />
        </Space>
      ),
      sortBy: (row) => row.Status,
    },
    {
      key: 'machine',
      title: field.machine,
      render: (row) => (
        <span className="cell-name">
          <span>{row.InstanceType}</span>
          <span className="cell-id">{field.cores(row.Cpu, row.Memory / 1024)}</span>
        </span>
      ),
      sortBy: (row) => row.InstanceType,
    },
    { key: 'ip', title: field.privateIp, render: (row) => row.VpcAttributes.PrivateIpAddress.IpAddress.join(', ') },
    { key: 'image', title: field.image, render: (row) => row.ImageId, sortBy: (row) => row.ImageId },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    { key: 'tags', title: field.tags, render: (row) => <TagList tags={row.Tags.Tag} /> },
    { key: 'zone', title: field.zone, render: (row) => row.ZoneId, isExtra: true },
    { key: 'charge', title: field.charge, render: (row) => row.InstanceChargeType, isExtra: true },
    { key: 'description', title: field.description, render: (row) => row.Description, isExtra: true },
  ];
}

function actionColumn(words: Words, setOpen: (open: Open) => void): Column<Instance> {
  return {
    key: 'actions',
    title: words.list.actions,
    render: (instance) => {
      const onClick = ({ key }: { key: string }) => {
        const act = ([...acts, 'tags'] as const).find((known) => known === key);
        if (act !== undefined) setOpen({ act, chosen: [instance], done: () => undefined });
      };
      return (
        <Dropdown
          menu={{ items: [...instanceMenu(words, instance), { key: 'tags', label: words.form.editTags }], onClick }}
          trigger={['click']}
        >
          <Button
            type="text"
            icon={<MoreOutlined />}
            aria-label={words.list.more(instance.InstanceName || instance.InstanceId)}
          />
        </Dropdown>
      );
    },
  };
}

function filtersOf({ field, status }: Words): Filter[] {
  const statuses = ['Running', 'Stopped', 'Pending', 'Starting', 'Stopping'];
  return [
    { name: 'InstanceName', label: field.name, options: null },
    {
      name: 'Status',
      label: field.status,
      options: statuses.map((value) => ({ value, label: status[value] ?? value })),
    },
  ];
}
