/** All disks of the region. */
import { useState } from 'react';
import { Button } from 'antd';
import { PageHead } from '../lists/page-head.tsx';
import { useWords } from '../words/language.tsx';
import { CreateDiskDialog } from './disk-dialogs.tsx';
import { DiskTable } from './disk-table.tsx';

export function DisksPage() {
  const { disks } = useWords();
  const [isCreating, setIsCreating] = useState(false);
  return (
    <>
      <PageHead
        title={disks.title}
        intro={disks.intro}
        actions={
          <Button type="primary" onClick={() => setIsCreating(true)}>
            {disks.create}
          </Button>
        }
      />
      <DiskTable empty={disks.empty} />
      {isCreating ? <CreateDiskDialog onClose={() => setIsCreating(false)} /> : null}
    </>
  );
}
