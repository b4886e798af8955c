/** What can be done with snapshots, each as a form: create, roll back, make a disk, delete. */
import { Form, InputNumber } from 'antd';
import type { Disk, Snapshot } from '../api/shapes.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, NameField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { useWords } from '../words/language.tsx';

type OnClose = (isDone: boolean) => void;

export function CreateSnapshotDialog({ disks, onClose }: { disks: readonly Disk[]; onClose: OnClose }) {
  const words = useWords();
  const isInstant = disks.some(({ Category: category }) => category.startsWith('cloud_essd'));
  return (
    <ActionDialog
      title={words.snapshots.create}
      intro={
        <>
          {words.snapshots.createIntro} {isInstant ? words.snapshots.instantly : null}
        </>
      }
      action="CreateSnapshot"
      subjects={disks.map(({ DiskId }) => DiskId)}
      toParameters={(given, diskId) => ({
        DiskId: diskId,
        SnapshotName: textIn(given, 'SnapshotName'),
        Description: textIn(given, 'Description'),
        RetentionDays: textIn(given, 'RetentionDays'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <NameField name="SnapshotName" label={words.field.name} />
          <DescriptionField />
          <Form.Item
            name="RetentionDays"
            label={`${words.snapshots.retention} (${words.form.optional})`}
            extra={words.snapshots.retentionHint}
          >
            <InputNumber min={1} max={65_536} precision={0} />
          </Form.Item>
          <TagsField />
        </>
      }
      submit={words.snapshots.create}
      onClose={onClose}
    />
  );
}

export function RollBackDialog({ snapshot, onClose }: { snapshot: Snapshot; onClose: OnClose }) {
  const { snapshots } = useWords();
  const { SourceDiskId: diskId, SnapshotId: snapshotId } = snapshot;
  return (
    <ActionDialog
      title={snapshots.rollBack}
      intro={snapshots.rollBackIntro(diskId)}
      action="ResetDisk"
      toParameters={() => ({ DiskId: diskId, SnapshotId: snapshotId })}
      submit={snapshots.rollBack}
      isDangerous
      confirmText={diskId}
      onClose={onClose}
    />
  );
}

export function DeleteSnapshotsDialog({ chosen, onClose }: { chosen: readonly Snapshot[]; onClose: OnClose }) {
  const { snapshots } = useWords();
  const isProgressing = chosen.some(({ Status }) => Status === 'progressing');
  return (
    <ActionDialog
      title={snapshots.delete}
      intro={
        <>
          {chosen.map(({ SnapshotId, SnapshotName = '' }) => `${SnapshotName} ${SnapshotId}`.trim()).join(', ')}
          <br />
          {snapshots.deleteIntro} {isProgressing ? snapshots.deleteProgressing : null}
        </>
      }
      action="DeleteSnapshot"
      subjects={chosen.map(({ SnapshotId }) => SnapshotId)}
      toParameters={(_given, snapshotId) => ({ SnapshotId: snapshotId })}
      submit={snapshots.delete}
      isDangerous
      onClose={onClose}
    />
  );
}
