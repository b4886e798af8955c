/** What is offered for one snapshot, and the form of each. */
import { Form, Input, InputNumber } from 'antd';
import type { Snapshot } from '../api/shapes.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, NameField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { RegionField } from '../forms/region-field.tsx';
import { EditTagsDialog } from '../forms/tags-dialog.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { storageWords } from '../words/storage.ts';
import { CreateDiskDialog } from './disk-dialogs.tsx';
import { DeleteSnapshotsDialog, RollBackDialog } from './snapshot-dialogs.tsx';

const acts = [
  ...([
    'rollBack',
    'createDisk',
    'createImage',
    'copy',
    'modify',
    'tags',
    'lock',
    'unlock',
    'export',
    'delete',
  ] as const),
];
export type SnapshotAct = (typeof acts)[number];

type ActWords = (typeof storageWords)['en']['acts'];

interface DialogProps {
  snapshot: Snapshot;
  onClose: (isDone: boolean) => void;
}

export function snapshotMenu({ snapshots, form }: Words, words: ActWords, snapshot: Snapshot) {
  const isUsable = snapshot.Status === 'accomplished' || snapshot.Available;
  const isDone = snapshot.Status === 'accomplished';
  const isUndo = snapshot.SnapshotType === 'undo';
  return [
    { key: 'rollBack', label: isUndo ? words.undo : snapshots.rollBack, disabled: !isUsable },
    { key: 'createDisk', label: snapshots.createDisk, disabled: !isUsable },
    { key: 'createImage', label: words.createImage, disabled: !isDone || snapshot.SourceDiskType !== 'system' },
    { key: 'copy', label: words.copy, disabled: !isDone },
    { key: 'export', label: words.export, disabled: !isDone },
    { key: 'modify', label: words.modify },
    { key: 'tags', label: form.editTags },
    { key: 'lock', label: words.lock, disabled: !isDone || isUndo },
    { key: 'unlock', label: words.unlock, disabled: !isDone || isUndo },
    { key: 'delete', label: snapshots.delete, danger: true },
  ];
}

export function snapshotActOf(key: string): SnapshotAct {
  return acts.find((act) => act === key) ?? 'modify';
}

export function SnapshotDialog({ act, snapshot, onClose }: DialogProps & { act: SnapshotAct }) {
  switch (act) {
    case 'rollBack':
      return <RollBackDialog {...{ snapshot, onClose }} />;
    case 'createDisk':
      return <CreateDiskDialog {...{ snapshot, onClose }} />;
    case 'createImage':
      return <CreateImageDialog {...{ snapshot, onClose }} />;
    case 'copy':
      return <CopyDialog {...{ snapshot, onClose }} />;
    case 'modify':
      return <ModifyDialog {...{ snapshot, onClose }} />;
    case 'tags':
      return (
        <EditTagsDialog
          resourceType="snapshot"
          chosen={[{ id: snapshot.SnapshotId, tags: snapshot.Tags.Tag }]}
          onClose={onClose}
        />
      );
    case 'lock':
      return <LockDialog {...{ snapshot, onClose }} />;
    case 'unlock':
      return <UnlockDialog {...{ snapshot, onClose }} />;
    case 'export':
      return <ExportDialog {...{ snapshot, onClose }} />;
    case 'delete':
      return <DeleteSnapshotsDialog chosen={[snapshot]} onClose={onClose} />;
    default:
      return act satisfies never;
  }
}

function CreateImageDialog({ snapshot, onClose }: DialogProps) {
  const { field } = useWords();
  const { acts: words } = useSection(storageWords);
  return (
    <ActionDialog
      title={words.createImage}
      intro={words.createImageIntro}
      action="CreateImage"
      toParameters={(given) => ({
        SnapshotId: snapshot.SnapshotId,
        ImageName: textIn(given, 'ImageName'),
        Description: textIn(given, 'Description'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <NameField name="ImageName" label={field.name} />
          <DescriptionField />
          <TagsField />
        </>
      }
      submit={words.createImage}
      onClose={onClose}
    />
  );
}

function CopyDialog({ snapshot, onClose }: DialogProps) {
  const { field, form, snapshots } = useWords();
  const { acts: words } = useSection(storageWords);
  const name = snapshot.SnapshotName || snapshot.SnapshotId;
  return (
    <ActionDialog
      title={words.copy}
      intro={words.copyIntro}
      action="CopySnapshot"
      initial={{ DestinationSnapshotName: name.startsWith('auto') ? `copy-${name}` : name, Description: name }}
      toParameters={(given) => ({
        SnapshotId: snapshot.SnapshotId,
        DestinationRegionId: textIn(given, 'DestinationRegionId'),
        DestinationSnapshotName: textIn(given, 'DestinationSnapshotName'),
        DestinationSnapshotDescription: textIn(given, 'Description') ?? name,
        RetentionDays: textIn(given, 'RetentionDays'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <RegionField name="DestinationRegionId" />
          <NameField name="DestinationSnapshotName" label={field.name} />
          <DescriptionField />
          <Form.Item
            name="RetentionDays"
            label={`${snapshots.retention} (${form.optional})`}
            extra={snapshots.retentionHint}
          >
            <InputNumber min={1} max={65_536} precision={0} />
          </Form.Item>
          <TagsField />
        </>
      }
      submit={words.copy}
      onClose={onClose}
    />
  );
}

function ModifyDialog({ snapshot, onClose }: DialogProps) {
  const { field, form, snapshots } = useWords();
  const { acts: words } = useSection(storageWords);
  const { RetentionDays: days } = snapshot;
  return (
    <ActionDialog
      title={words.modify}
      intro={words.modifyIntro}
      action="ModifySnapshotAttribute"
      initial={{ SnapshotName: snapshot.SnapshotName, Description: snapshot.Description, RetentionDays: days }}
      toParameters={(given) => {
        const retention = textIn(given, 'RetentionDays');
        return {
          SnapshotId: snapshot.SnapshotId,
          SnapshotName: textIn(given, 'SnapshotName'),
          Description: textIn(given, 'Description'),
          ...(retention === String(days) ? {} : { RetentionDays: retention }),
        };
      }}
      fields={
        <>
          <NameField name="SnapshotName" label={field.name} />
          <DescriptionField />
          <Form.Item name="RetentionDays" label={`${snapshots.retention} (${form.optional})`}>
            <InputNumber disabled={days === undefined} min={days ?? 1} max={65_536} precision={0} />
          </Form.Item>
        </>
      }
      submit={words.modify}
      onClose={onClose}
    />
  );
}

function LockDialog({ snapshot, onClose }: DialogProps) {
  const { acts: words } = useSection(storageWords);
  return (
    <ActionDialog
      title={words.lock}
      intro={words.lockIntro}
      action="LockSnapshot"
      initial={{ LockDuration: 30, CoolOffPeriod: 24 }}
      toParameters={(given) => ({
        SnapshotId: snapshot.SnapshotId,
        LockMode: 'compliance',
        LockDuration: textIn(given, 'LockDuration'),
        CoolOffPeriod: textIn(given, 'CoolOffPeriod'),
      })}
      fields={
        <>
          <Form.Item name="LockDuration" label={words.lockDays}>
            <InputNumber min={1} max={36_500} precision={0} />
          </Form.Item>
          <Form.Item name="CoolOffPeriod" label={words.coolOff}>
            <InputNumber min={0} max={72} precision={0} />
          </Form.Item>
        </>
      }
      submit={words.lock}
      isDangerous
      confirmText={snapshot.SnapshotId}
      onClose={onClose}
    />
  );
}

function UnlockDialog({ snapshot, onClose }: DialogProps) {
  const { acts: words } = useSection(storageWords);
  return (
    <ActionDialog
      title={words.unlock}
      intro={words.unlockIntro}
      action="UnlockSnapshot"
      toParameters={() => ({ SnapshotId: snapshot.SnapshotId })}
      submit={words.unlock}
      onClose={onClose}
    />
  );
}

function ExportDialog({ snapshot, onClose }: DialogProps) {
  const { signIn } = useWords();
  const { acts: words } = useSection(storageWords);
  return (
    <ActionDialog
      title={words.export}
      intro={words.exportIntro}
      action="ExportSnapshot"
      toParameters={(given) => ({ SnapshotId: snapshot.SnapshotId, OssBucket: textIn(given, 'OssBucket') })}
      fields={
        <Form.Item name="OssBucket" label={words.bucket} rules={[{ required: true, message: signIn.missing }]}>
          <Input autoComplete="off" />
        </Form.Item>
      }
      submit={words.export}
      onClose={onClose}
    />
  );
}
