/** What was deleted and can be brought back. */
import { useState } from 'react';
import { Button, Space, Tag } from 'antd';
import type { DeletedResource, RecycleBinPage as Answer } from '../api/shapes-storage.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column } from '../lists/resource-list.tsx';
import { NameAndId, Time, formatBytes } from '../lists/show.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { storageWords } from '../words/storage.ts';

type Bin = (typeof storageWords)['en']['bin'];

interface Open {
  act: 'restore' | 'purge' | 'purgeAll';
  chosen: readonly DeletedResource[];
  done: () => void;
}

const rowsOf = (answer: Answer) => answer.Resources.Resource;
const idOf = ({ ResourceId }: DeletedResource) => ResourceId;

export function RecycleBinPage() {
  const words = useWords();
  const { bin } = useSection(storageWords);
  const [open, setOpen] = useState<Open | null>(null);
  const kinds = (['disk', 'snapshot'] as const).map((value) => ({ value, label: bin[value] }));
  return (
    <>
      <PageHead
        title={bin.title}
        intro={bin.intro}
        actions={
          <Button danger onClick={() => setOpen({ act: 'purgeAll', chosen: [], done: () => undefined })}>
            {bin.purgeAll}
          </Button>
        }
      />
      <ResourceList<DeletedResource, Answer>
        action="HupoDescribeRecycleBin"
        {...{ rowsOf, idOf }}
        empty={bin.empty}
        columns={columnsOf(words, bin)}
        filters={[
          { name: 'ResourceType', label: bin.kind, options: kinds },
          { name: 'DiskId', label: bin.ofDisk, options: null },
        ]}
        bulk={(chosen, done) => (
          <Space>
            <Button onClick={() => setOpen({ act: 'restore', chosen, done })}>{bin.restore}</Button>
            <Button danger onClick={() => setOpen({ act: 'purge', chosen, done })}>
              {bin.purge}
            </Button>
          </Space>
        )}
      />
      {open === null ? null : <BinDialog open={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function BinDialog({ open: { act, chosen, done }, onClose }: { open: Open; onClose: () => void }) {
  const { bin } = useSection(storageWords);
  const isRestore = act === 'restore';
  const ids = Object.fromEntries(chosen.map(({ ResourceId }, index) => [`ResourceId.${index + 1}`, ResourceId]));
  return (
    <ActionDialog
      title={bin[act]}
      intro={
        <>
          {chosen.map(({ Name, ResourceId }) => `${Name} ${ResourceId}`.trim()).join(', ')}
          <br />
          {isRestore ? bin.restoreIntro : bin.purgeIntro}
        </>
      }
      action={isRestore ? 'HupoRestoreFromRecycleBin' : 'HupoDeleteFromRecycleBin'}
      toParameters={() => (act === 'purgeAll' ? { All: true } : ids)}
      submit={bin[act]}
      isDangerous={!isRestore}
      {...(act === 'purgeAll' ? { confirmText: bin.purgeAll } : {})}
      onClose={(isDone) => {
        if (isDone) done();
        onClose();
      }}
    />
  );
}

function columnsOf({ field }: Words, bin: Bin): Column<DeletedResource>[] {
  return [
    {
      key: 'name',
      title: field.name,
      render: (row) => <NameAndId name={row.Name} id={row.ResourceId} />,
      sortBy: (row) => row.Name,
    },
    {
      key: 'kind',
      title: bin.kind,
      render: (row) => <Tag>{bin[row.ResourceType]}</Tag>,
      sortBy: (row) => row.ResourceType,
    },
    { key: 'disk', title: field.disk, render: (row) => row.SourceDiskId || '–', sortBy: (row) => row.SourceDiskId },
    { key: 'size', title: field.size, render: (row) => `${row.Size} GiB`, sortBy: (row) => row.Size },
    {
      key: 'frees',
      title: bin.frees,
      render: (row) => (row.HeldSize === undefined ? bin.unknown : formatBytes(row.HeldSize)),
      sortBy: (row) => row.HeldSize ?? -1,
    },
    {
      key: 'deleted',
      title: bin.deleted,
      render: (row) => <Time at={row.DeletionTime} />,
      sortBy: (row) => row.DeletionTime,
    },
    {
      key: 'expires',
      title: bin.expires,
      render: (row) => <Time at={row.ExpirationTime} />,
      sortBy: (row) => row.ExpirationTime,
    },
  ];
}
