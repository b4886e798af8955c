/** Images: what instances start with. */
import { useState } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Badge, Button, Checkbox, Dropdown, Form, Progress, Tag, Tooltip } from 'antd';
import type { Image, ImagesPage as Answer } from '../api/shapes-storage.ts';
import type { InstancesPage, SnapshotsPage } from '../api/shapes.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, NameField, ResourceField, TagsField, tagParameters, textIn } from '../forms/fields.tsx';
import { RegionField } from '../forms/region-field.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column } from '../lists/resource-list.tsx';
import { NameAndId, TagList, Time } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { storageWords } from '../words/storage.ts';

type ImageWords = (typeof storageWords)['en']['images'];
type Open = { act: 'create' } | { act: 'copy' | 'delete'; image: Image };

const rowsOf = (answer: Answer) => answer.Images.Image;
const idOf = ({ ImageId }: Image) => ImageId;

export function ImagesPage() {
  const words = useWords();
  const { images } = useSection(storageWords);
  const [open, setOpen] = useState<Open | null>(null);
  const owners = [
    { value: 'self', label: images.own },
    { value: 'system', label: images.system },
  ];
  return (
    <>
      <PageHead
        title={images.title}
        intro={images.intro}
        actions={
          <Button type="primary" onClick={() => setOpen({ act: 'create' })}>
            {images.create}
          </Button>
        }
      />
      <ResourceList<Image, Answer>
        action="DescribeImages"
        parameters={{ Status: 'ALL' }}
        {...{ rowsOf, idOf }}
        empty={images.empty}
        columns={[...columnsOf(words, images), actionColumn(words, images, setOpen)]}
        filters={[
          { name: 'ImageName', label: words.list.exactName, options: null },
          { name: 'ImageOwnerAlias', label: images.owner, options: owners },
        ]}
        hasTags
        isMoving={({ Status: status }) => status === 'Creating' || status === 'Waiting'}
      />
      {open === null ? null : <ImageDialog open={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function ImageDialog({ open, onClose }: { open: Open; onClose: () => void }) {
  const { images } = useSection(storageWords);
  if (open.act === 'create') return <CreateImageDialog onClose={onClose} />;
  const { ImageId: imageId, ImageName: name } = open.image;
  if (open.act === 'copy') return <CopyImageDialog {...{ imageId, name, onClose }} />;
  return (
    <ActionDialog
      title={images.delete}
      intro={
        <>
          {`${name} ${imageId}`}
          <br />
          {images.deleteIntro}
        </>
      }
      action="DeleteImage"
      toParameters={(given) => ({ ImageId: imageId, ...(given['Force'] === true ? { Force: true } : {}) })}
      fields={
        <Form.Item name="Force" valuePropName="checked">
          <Checkbox>{images.force}</Checkbox>
        </Form.Item>
      }
      submit={images.delete}
      isDangerous
      onClose={onClose}
    />
  );
}

function CreateImageDialog({ onClose }: { onClose: () => void }) {
  const { field } = useWords();
  const { images } = useSection(storageWords);
  return (
    <ActionDialog
      title={images.create}
      intro={images.createIntro}
      action="CreateImage"
      toParameters={(given) => ({
        InstanceId: textIn(given, 'InstanceId'),
        SnapshotId: textIn(given, 'SnapshotId'),
        ImageName: textIn(given, 'ImageName'),
        Description: textIn(given, 'Description'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <ResourceField<InstancesPage>
            name="InstanceId"
            label={images.fromInstance}
            action="DescribeInstances"
            searchBy="InstanceName"
            choicesOf={(answer) =>
              answer.Instances.Instance.map(({ InstanceId: value, InstanceName }) => ({
                value,
                label: `${InstanceName} (${value})`,
              }))
            }
          />
          <ResourceField<SnapshotsPage>
            name="SnapshotId"
            label={images.fromSnapshot}
            action="DescribeSnapshots"
            searchBy={null}
            parameters={{ Status: 'accomplished', SourceDiskType: 'system' }}
            choicesOf={(answer) =>
              answer.Snapshots.Snapshot.map(({ SnapshotId: value, SnapshotName = '' }) => ({
                value,
                label: `${SnapshotName} (${value})`.trim(),
              }))
            }
          />
          <NameField name="ImageName" label={field.name} />
          <DescriptionField />
          <TagsField />
        </>
      }
      submit={images.create}
      onClose={onClose}
    />
  );
}

function CopyImageDialog({ imageId, name, onClose }: { imageId: string; name: string; onClose: () => void }) {
  const { field } = useWords();
  const { images } = useSection(storageWords);
  return (
    <ActionDialog
      title={images.copy}
      intro={images.copyIntro}
      action="CopyImage"
      initial={{ DestinationImageName: name }}
      toParameters={(given) => ({
        ImageId: imageId,
        DestinationRegionId: textIn(given, 'DestinationRegionId'),
        DestinationImageName: textIn(given, 'DestinationImageName'),
        DestinationDescription: textIn(given, 'Description'),
        ...tagParameters(given),
      })}
      fields={
        <>
          <RegionField name="DestinationRegionId" />
          <NameField name="DestinationImageName" label={field.name} />
          <DescriptionField />
          <TagsField />
        </>
      }
      submit={images.copy}
      onClose={onClose}
    />
  );
}

function columnsOf({ field }: Words, images: ImageWords): Column<Image>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.ImageName} id={row.ImageId} />,
      sortBy: (row) => row.ImageName,
    },
    { key: 'status', title: field.status, render: (row) => <ImageStatus image={row} />, sortBy: (row) => row.Status },
    {
      key: 'owner',
      title: images.owner,
      render: (row) => <Tag>{row.ImageOwnerAlias === 'system' ? images.system : images.own}</Tag>,
      sortBy: (row) => row.ImageOwnerAlias,
    },
    { key: 'os', title: images.system_, render: (row) => row.OSName || '–', sortBy: (row) => row.OSName },
    { key: 'size', title: field.size, render: (row) => `${row.Size} GiB`, sortBy: (row) => row.Size },
    {
      key: 'created',
      title: field.created,
      render: (row) => <Time at={row.CreationTime} />,
      sortBy: (row) => row.CreationTime,
    },
    { key: 'tags', title: field.tags, render: (row) => <TagList tags={row.Tags.Tag} /> },
    { key: 'description', title: field.description, render: (row) => row.Description, isExtra: true },
  ];
}

const badges: Readonly<Record<string, 'success' | 'error' | 'processing'>> = {
  Available: 'success',
  CreateFailed: 'error',
  Waiting: 'processing',
};

function ImageStatus({ image: { Status: status, Progress: progress, FailureReason: reason } }: { image: Image }) {
  const { field } = useWords();
  const { images } = useSection(storageWords);
  if (status !== 'Creating') {
    return (
      <Tooltip title={reason ?? ''}>
        <span>
          <Badge status={badges[status] ?? 'default'} text={images.states[status] ?? status} />
        </span>
      </Tooltip>
    );
  }
  return (
    <Progress percent={Number.parseInt(progress, 10) || 0} size="small" status="active" aria-label={field.progress} />
  );
}

function actionColumn({ list }: Words, images: ImageWords, setOpen: (open: Open) => void): Column<Image> {
  return {
    key: 'actions',
    title: list.actions,
    render: (image) => {
      if (image.ImageOwnerAlias === 'system') return '–';
      const items = [
        { key: 'copy', label: images.copy, disabled: image.Status !== 'Available' },
        { key: 'delete', label: images.delete, danger: true },
      ];
      const onClick = ({ key }: { key: string }) => setOpen({ act: key === 'copy' ? 'copy' : 'delete', image });
      return (
        <Dropdown menu={{ items, onClick }} trigger={['click']}>
          <Button type="text" icon={<MoreOutlined />} aria-label={list.more(image.ImageName || image.ImageId)} />
        </Dropdown>
      );
    },
  };
}
