/** A choice among the server's other regions, for copies. */
import { Form, Select } from 'antd';
import { useAnswer, useSession } from '../api/session.tsx';
import type { Region } from '../api/shapes.ts';
import { useSection, useWords } from '../words/language.tsx';
import { storageWords } from '../words/storage.ts';

export function RegionField({ name }: { name: string }) {
  const { signIn } = useWords();
  const { acts, images } = useSection(storageWords);
  const { regionId } = useSession();
  const { data } = useAnswer<{ Regions: { Region: Region[] } }>('DescribeRegions', {});
  const others = (data?.Regions.Region ?? []).filter(({ RegionId }) => RegionId !== regionId);
  return (
    <Form.Item
      name={name}
      label={images.region}
      rules={[{ required: true, message: signIn.missing }]}
      extra={data !== undefined && others.length === 0 ? acts.noRegion : undefined}
    >
      <Select options={others.map(({ RegionId: value, LocalName }) => ({ value, label: LocalName || value }))} />
    </Form.Item>
  );
}
