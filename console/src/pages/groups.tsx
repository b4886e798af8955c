/** Snapshot groups: snapshots of several disks at one instant. */
import { useState } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown, Form, Select } from 'antd';
import { Link } from 'wouter';
import { useAnswer } from '../api/session.tsx';
import type { GroupsPage as Answer, SnapshotGroup } from '../api/shapes-storage.ts';
import type { DisksPage, InstancesPage } from '../api/shapes.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, NameField, ResourceField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column } from '../lists/resource-list.tsx';
import { NameAndId, Status, TagList, Time } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { storageWords } from '../words/storage.ts';

type GroupWords = (typeof storageWords)['en']['groups'];
type Open = { act: 'create' } | { act: 'rollBack' | 'delete'; group: SnapshotGroup };

const rowsOf = (answer: Answer) => answer.SnapshotGroups.SnapshotGroup;
const idOf = ({ SnapshotGroupId }: SnapshotGroup) => SnapshotGroupId;

export function GroupsPage() {
  const words = useWords();
  const { groups } = useSection(storageWords);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <PageHead
        title={groups.title}
        intro={groups.intro}
        actions={
          <Button type="primary" onClick={() => setOpen({ act: 'create' })}>
            {groups.create}
          </Button>
        }
      />
      <ResourceList<SnapshotGroup, Answer>
        action="DescribeSnapshotGroups"
        hasTokens
        {...{ rowsOf, idOf }}
        empty={groups.empty}
        columns={[...columnsOf(words, groups), actionColumn(words, groups, setOpen)]}
        filters={[
          { name: 'Name', label: words.list.exactName, options: null },
          { name: 'InstanceId', label: groups.instance, options: null },
        ]}
        hasTags
        isMoving={({ Status: status }) => status === 'progressing'}
      />
      {open?.act === 'create' ? <CreateGroupDialog onClose={close} /> : null}
      {open?.act === 'rollBack' ? <RollBackGroupDialog group={open.group} onClose={close} /> : null}
      {open?.act === 'delete' ? <DeleteGroupDialog group={open.group} onClose={close} /> : null}
    </>
  );
}

function CreateGroupDialog({ onClose }: { onClose: () => void }) {
  const words = useWords();
  const { groups } = useSection(storageWords);
  return (
    <ActionDialog
      title={groups.create}
      intro={groups.createIntro}
      action="CreateSnapshotGroup"
      toParameters={(given) => ({
        InstanceId: textIn(given, 'InstanceId'),
        ...numbered('DiskId', (given['DiskIds'] ?? []) as string[]),
        Name: textIn(given, 'Name'),
        Description: textIn(given, 'Description'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <ResourceField<InstancesPage>
            name="InstanceId"
            label={groups.instance}
            action="DescribeInstances"
            searchBy="InstanceName"
            isRequired
            choicesOf={(answer) =>
              answer.Instances.Instance.map(({ InstanceId: value, InstanceName }) => ({
                value,
                label: `${InstanceName} (${value})`,
              }))
            }
          />
          <DisksField />
          <NameField name="Name" label={words.field.name} />
          <DescriptionField />
          <TagsField />
        </>
      }
      submit={groups.create}
      onClose={onClose}
    />
  );
}

/** Of the instance that is chosen. */
function DisksField() {
  const { groups } = useSection(storageWords);
  const instanceId = Form.useWatch<string | undefined>('InstanceId') ?? '';
  const asked = { InstanceId: instanceId, PageSize: 100 };
  const { data } = useAnswer<DisksPage>('DescribeDisks', asked, { isEnabled: instanceId !== '' });
  const options = (data?.Disks.Disk ?? []).map(({ DiskId: value, DiskName, Size }) => ({
    value,
    label: `${DiskName} ${value} (${Size} GiB)`.trim(),
  }));
  return (
    <Form.Item name="DiskIds" label={groups.disks}>
      <Select mode="multiple" options={instanceId === '' ? [] : options} disabled={instanceId === ''} />
    </Form.Item>
  );
}

function RollBackGroupDialog({ group, onClose }: { group: SnapshotGroup; onClose: () => void }) {
  const { groups } = useSection(storageWords);
  const members = group.Snapshots.Snapshot;
  return (
    <ActionDialog
      title={groups.rollBack}
      intro={
        <>
          {members.map(({ SourceDiskId }) => SourceDiskId).join(', ')}
          <br />
          {groups.rollBackIntro}
        </>
      }
      action="ResetDisks"
      toParameters={() =>
        Object.fromEntries(
          members.flatMap(({ SnapshotId, SourceDiskId }, index) => [
            [`Disk.${index + 1}.DiskId`, SourceDiskId],
            [`Disk.${index + 1}.SnapshotId`, SnapshotId],
          ]),
        )
      }
      submit={groups.rollBack}
      isDangerous
      confirmText={group.SnapshotGroupId}
      onClose={onClose}
    />
  );
}

function DeleteGroupDialog({ group, onClose }: { group: SnapshotGroup; onClose: () => void }) {
  const { groups } = useSection(storageWords);
  return (
    <ActionDialog
      title={groups.delete}
      intro={
        <>
          {`${group.Name} ${group.SnapshotGroupId}`.trim()}
          <br />
          {groups.deleteIntro}
        </>
      }
      action="DeleteSnapshotGroup"
      toParameters={() => ({ SnapshotGroupId: group.SnapshotGroupId })}
      submit={groups.delete}
      isDangerous
      onClose={onClose}
    />
  );
}

function columnsOf({ field }: Words, groups: GroupWords): Column<SnapshotGroup>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.Name} id={row.SnapshotGroupId} />,
      sortBy: (row) => row.Name,
    },
    {
      key: 'status',
      title: field.status,
      render: (row) => <Status status={row.Status} />,
      sortBy: (row) => row.Status,
    },
    {
      key: 'instance',
      title: groups.instance,
      render: (row) =>
        row.InstanceId === '' ? '–' : <Link href={`/instances/${row.InstanceId}`}>{row.InstanceId}</Link>,
      sortBy: (row) => row.InstanceId,
    },
    { key: 'members', title: groups.members, render: (row) => <Members group={row} /> },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    {
      key: 'tags',
      title: field.tags,
      render: (row) => <TagList tags={row.Tags.Tag.map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value }))} />,
    },
    { key: 'description', title: field.description, render: (row) => row.Description, isExtra: true },
  ];
}

function Members({ group }: { group: SnapshotGroup }) {
  return group.Snapshots.Snapshot.map(({ SnapshotId, SourceDiskId, Progress }) => (
    <div key={SnapshotId}>
      <Link href={`/disks/${SourceDiskId}`}>{SourceDiskId}</Link> {Progress === '100%' ? null : Progress}
    </div>
  ));
}

function actionColumn({ list }: Words, groups: GroupWords, setOpen: (open: Open) => void): Column<SnapshotGroup> {
  return {
    key: 'actions',
    title: list.actions,
    render: (group) => {
      const items = [
        { key: 'rollBack', label: groups.rollBack, disabled: group.Status !== 'accomplished' },
        { key: 'delete', label: groups.delete, danger: true },
      ];
      const onClick = ({ key }: { key: string }) => setOpen({ act: key === 'rollBack' ? 'rollBack' : 'delete', group });
      return (
        <Dropdown menu={{ items, onClick }} trigger={['click']}>
          <Button type="text" icon={<MoreOutlined />} aria-label={list.more(group.Name || group.SnapshotGroupId)} />
        </Dropdown>
      );
    },
  };
}

function numbered(name: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [`${name}.${index + 1}`, value]));
}
