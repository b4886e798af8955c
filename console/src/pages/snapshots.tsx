/** All snapshots of the region. */
import { Link } from 'wouter';
import { PageHead } from '../lists/page-head.tsx';
import { useWords } from '../words/language.tsx';
import { SnapshotTable } from './snapshot-table.tsx';

export function SnapshotsPage() {
  const { snapshots, menu } = useWords();
  return (
    <>
      <PageHead title={snapshots.title} intro={snapshots.intro} />
      <SnapshotTable
        empty={
          <>
            {snapshots.empty} <Link href="/disks">{menu.disks}</Link>
          </>
        }
      />
    </>
  );
}
