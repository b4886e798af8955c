/** Which tags there are, and how many resources have each: from here to those resources. */
import { Link } from 'wouter';
import type { CountedTag, CountedTagsPage } from '../api/shapes-observe.ts';
import { PageHead } from '../lists/page-head.tsx';
import { ResourceList } from '../lists/resource-list.tsx';
import type { Column, Filter } from '../lists/resource-list.tsx';
import { formatTagFilter } from '../lists/tag-filter.ts';
import { places } from '../shell/places.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { observeWords } from '../words/observe.ts';

type TagWords = (typeof observeWords)['en']['tags'];
type CountedType = keyof CountedTag['ResourceTypeCount'];

const rowsOf = (answer: CountedTagsPage) => answer.Tags.Tag;
const idOf = ({ TagKey: key, TagValue: value }: CountedTag) => JSON.stringify([key, value]);

export function TagsPage() {
  const words = useWords();
  const { tags } = useSection(observeWords);
  return (
    <>
      <PageHead title={tags.title} intro={tags.intro} />
      <ResourceList<CountedTag, CountedTagsPage>
        action="DescribeTags"
        {...{ rowsOf, idOf }}
        columns={columnsOf(words, tags)}
        filters={filtersOf(words, tags)}
        hasTags
        empty={tags.empty}
      />
    </>
  );
}

function columnsOf({ form, menu }: Words, tags: TagWords): Column<CountedTag>[] {
  const counted = (type: CountedType, title: string, place: string): Column<CountedTag> => ({
    key: place,
    title,
    render: (row) => <Count {...{ row, title, place }} count={row.ResourceTypeCount[type]} />,
    sortBy: (row) => row.ResourceTypeCount[type],
  });
  return [
    { key: 'key', title: form.tagKey, render: (row) => <Text text={row.TagKey} />, sortBy: (row) => row.TagKey },
    {
      key: 'value',
      title: form.tagValue,
      render: (row) => <Text text={row.TagValue} />,
      sortBy: (row) => row.TagValue,
    },
    counted('Disk', menu.disks, 'disks'),
    counted('Snapshot', menu.snapshots, 'snapshots'),
    counted('Instance', menu.instances, 'instances'),
    counted('Image', tags.images, 'images'),
  ];
}

function Text({ text }: { text: string }) {
  return <span className="said">{text === '' ? '–' : text}</span>;
}

interface CountProps {
  row: CountedTag;
  count: number;
  title: string;
  /** The list of such resources. */
  place: string;
}

function Count({ row: { TagKey: key, TagValue: value }, count, title, place }: CountProps) {
  const { tags } = useSection(observeWords);
  if (count === 0 || !places.some(({ path }) => path === `/${place}`)) return <>{count}</>;
  const tag = formatTagFilter({ key, value });
  return (
    <Link href={`/${place}?Tag=${encodeURIComponent(tag)}`} aria-label={tags.look(tag, count, title)}>
      {count}
    </Link>
  );
}

function filtersOf({ menu }: Words, { images, resourceType }: TagWords): Filter[] {
  const options = [
    { value: 'disk', label: menu.disks },
    { value: 'snapshot', label: menu.snapshots },
    { value: 'instance', label: menu.instances },
    { value: 'image', label: images },
  ];
  return [{ name: 'ResourceType', label: resourceType, options }];
}
