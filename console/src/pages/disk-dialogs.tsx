/** What can be done with disks, each as a form. */
import { Checkbox, Form, InputNumber, Modal, Select, Typography } from 'antd';
import { offeredCategories } from '../../../src/ecs/disk-categories.ts';
import { useAnswer } from '../api/session.tsx';
import type { Disk, Instance, InstancesPage, Snapshot, SnapshotsPage } from '../api/shapes.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, NameField, ResourceField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { useSection, useWords } from '../words/language.tsx';
import { storageWords } from '../words/storage.ts';

type OnClose = (isDone: boolean) => void;

export function CreateDiskDialog({ snapshot, onClose }: { snapshot?: Snapshot; onClose: OnClose }) {
  const words = useWords();
  const { data } = useAnswer<{ Zones: { Zone: { ZoneId: string }[] } }>('DescribeZones', {});
  const zones = (data?.Zones.Zone ?? []).map(({ ZoneId }) => ZoneId);
  if (zones.length === 0) return null;
  return (
    <ActionDialog
      title={words.disks.create}
      intro={words.disks.createIntro}
      action="CreateDisk"
      initial={{
        ZoneId: zones[0],
        DiskCategory: 'cloud_essd',
        Size: snapshot === undefined ? 20 : Number(snapshot.SourceDiskSize),
        SnapshotId: snapshot?.SnapshotId,
      }}
      toParameters={(given) => ({
        ZoneId: textIn(given, 'ZoneId'),
        DiskCategory: textIn(given, 'DiskCategory'),
        Size: textIn(given, 'Size'),
        SnapshotId: textIn(given, 'SnapshotId'),
        DiskName: textIn(given, 'DiskName'),
        Description: textIn(given, 'Description'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <NameField name="DiskName" label={words.field.name} />
          <Form.Item name="ZoneId" label={words.field.zone}>
            <Select options={zones.map((value) => ({ value }))} />
          </Form.Item>
          <Form.Item name="DiskCategory" label={words.field.category}>
            <Select options={offeredCategories.map((value) => ({ value }))} />
          </Form.Item>
          <Form.Item
            name="Size"
            label={words.disks.sizeGib}
            rules={[{ required: true, message: words.signIn.missing }]}
          >
            <InputNumber min={1} max={65_536} precision={0} />
          </Form.Item>
          <ResourceField<SnapshotsPage>
            name="SnapshotId"
            label={words.disks.fromSnapshot}
            action="DescribeSnapshots"
            searchBy={null}
            parameters={{ Status: 'accomplished' }}
            choicesOf={(answer) =>
              answer.Snapshots.Snapshot.map(({ SnapshotId: value, SnapshotName }) => ({
                value,
                label: labelOf(value, SnapshotName ?? ''),
              }))
            }
          />
          <DescriptionField />
          <TagsField />
        </>
      }
      submit={words.disks.create}
      onClose={onClose}
    />
  );
}

export function AttachDialog({ disk, onClose }: { disk: Disk; onClose: OnClose }) {
  const { disks, field } = useWords();
  return (
    <ActionDialog
      title={disks.attach}
      intro={disks.attachIntro}
      action="AttachDisk"
      toParameters={(given) => ({ DiskId: disk.DiskId, InstanceId: textIn(given, 'InstanceId') })}
      fields={
        <ResourceField<InstancesPage>
          name="InstanceId"
          label={field.attachedTo}
          action="DescribeInstances"
          searchBy="InstanceName"
          isRequired
          choicesOf={(answer) =>
            answer.Instances.Instance.map(({ InstanceId: value, InstanceName }: Instance) => ({
              value,
              label: labelOf(value, InstanceName),
            }))
          }
        />
      }
      submit={disks.attach}
      onClose={onClose}
    />
  );
}

export function DetachDialog({ disk, onClose }: { disk: Disk; onClose: OnClose }) {
  const { disks } = useWords();
  return (
    <ActionDialog
      title={disks.detach}
      intro={disks.detachIntro}
      action="DetachDisk"
      toParameters={() => ({ DiskId: disk.DiskId, InstanceId: disk.InstanceId })}
      submit={disks.detach}
      isDangerous
      onClose={onClose}
    />
  );
}

export function ResizeDialog({ disk, onClose }: { disk: Disk; onClose: OnClose }) {
  const { disks } = useWords();
  return (
    <ActionDialog
      title={disks.resize}
      intro={disks.resizeIntro}
      action="ResizeDisk"
      initial={{ NewSize: disk.Size + 10 }}
      toParameters={(given) => ({
        DiskId: disk.DiskId,
        NewSize: textIn(given, 'NewSize'),
        ...(disk.Status === 'In_use' ? { Type: 'online' } : {}),
      })}
      fields={
        <Form.Item name="NewSize" label={disks.sizeGib}>
          <InputNumber min={disk.Size + 1} max={65_536} precision={0} />
        </Form.Item>
      }
      submit={disks.resize}
      onClose={onClose}
    />
  );
}

export function ReInitDialog({ disk, onClose }: { disk: Disk; onClose: OnClose }) {
  const { acts } = useSection(storageWords);
  return (
    <ActionDialog
      title={acts.reinit}
      intro={acts.reinitIntro}
      action="ReInitDisk"
      toParameters={(given) => ({
        DiskId: disk.DiskId,
        ...(given['start'] === true ? { AutoStartInstance: true } : {}),
      })}
      fields={
        <Form.Item name="start" valuePropName="checked">
          <Checkbox>{acts.start}</Checkbox>
        </Form.Item>
      }
      submit={acts.reinit}
      isDangerous
      confirmText={disk.DiskId}
      onClose={onClose}
    />
  );
}

export function DeleteDisksDialog({ chosen, onClose }: { chosen: readonly Disk[]; onClose: OnClose }) {
  const { disks } = useWords();
  const [only] = chosen;
  return (
    <ActionDialog
      title={disks.delete}
      intro={
        <>
          {chosen.map(({ DiskId, DiskName }) => `${DiskName} ${DiskId}`.trim()).join(', ')}
          <br />
          {disks.deleteIntro}
        </>
      }
      action="DeleteDisk"
      subjects={chosen.map(({ DiskId }) => DiskId)}
      toParameters={(_given, diskId) => ({ DiskId: diskId })}
      submit={disks.delete}
      isDangerous
      {...(chosen.length === 1 && only !== undefined ? { confirmText: only.DiskId } : {})}
      onClose={onClose}
    />
  );
}

/** Ready commands; nothing is asked of the server. */
export function ConnectDialog({ disk, onClose }: { disk: Disk; onClose: OnClose }) {
  const { disks, form } = useWords();
  const uri = disk.NbdUri;
  const commands =
    uri === undefined ? [] : [`nbdinfo '${uri}'`, `qemu-img info '${uri}'`, `nbdfuse /mnt/disk '${uri}'`];
  return (
    <Modal
      open
      title={disks.connect}
      onCancel={() => onClose(false)}
      cancelText={form.close}
      okButtonProps={{ hidden: true }}
    >
      <Typography.Paragraph>{uri === undefined ? disks.notServed : disks.connectIntro}</Typography.Paragraph>
      {commands.map((command) => (
        <Typography.Paragraph key={command} copyable code>
          {command}
        </Typography.Paragraph>
      ))}
    </Modal>
  );
}

function labelOf(id: string, name: string): string {
  return name === '' ? id : `${name} (${id})`;
}
