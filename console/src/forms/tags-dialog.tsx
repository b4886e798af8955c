/**
 * Tags of one resource or of several at once. Removing and putting are two actions of the API: when the second is refused the first was done, and the form,
 * asked for again, asks for what is left.
 */
import { useState } from 'react';
import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { App, Button, Input, Modal, Typography } from 'antd';
import { useQueryClient } from '@tanstack/react-query';
import { textsOf } from '../api/ecs.ts';
import type { EcsApi, Parameters } from '../api/ecs.ts';
import { useSession } from '../api/session.tsx';
import type { TagPair } from '../api/shapes.ts';
import { Problem } from '../shell/problem.tsx';
import { editTagsWords } from '../words/edit-tags.ts';
import { useSection, useWords } from '../words/language.tsx';
import { Equivalent } from './action-dialog.tsx';
import { listPresentTags, planTagChanges } from './tag-changes.ts';
import type { TagChanges, TagRow } from './tag-changes.ts';

/** The API takes so many at once. */
const MOST_RESOURCES = 50;
const MOST_TAGS = 20;

interface TaggedResource {
  id: string;
  tags: readonly TagPair[];
}

interface EditTagsDialogProps {
  resourceType: 'disk' | 'snapshot' | 'instance' | 'image' | 'snapshotgroup' | 'snapshotpolicy';
  chosen: readonly TaggedResource[];
  onClose: (isDone: boolean) => void;
}

export function EditTagsDialog({ resourceType, chosen, onClose }: EditTagsDialogProps) {
  const words = useWords();
  const editTags = useSection(editTagsWords);
  const { message } = App.useApp();
  const { api, regionId } = useSession();
  const client = useQueryClient();
  const [present] = useState(() => listPresentTags(chosen.map(({ tags }) => tags)));
  const [rows, setRows] = useState<readonly TagRow[]>(() =>
    present.map((was, id) => ({ id, key: was.key, value: was.value ?? '', was })),
  );
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const changes = planTagChanges(present, rows);
  const calls = callsOf(changes, { regionId, resourceType, ids: chosen.map(({ id }) => id) });
  const save = async () => {
    setIsBusy(true);
    setProblem(null);
    const refused: unknown = await askAll(api, calls).catch((error: unknown) => error);
    await client.invalidateQueries({ queryKey: ['answer'] });
    setIsBusy(false);
    setProblem(refused);
    if (refused !== undefined) return;
    void message.success(words.form.done);
    onClose(true);
  };
  return (
    <Modal
      open
      title={words.form.editTags}
      onCancel={() => onClose(false)}
      okText={editTags.save}
      cancelText={words.form.cancel}
      okButtonProps={{ disabled: calls.length === 0, loading: isBusy }}
      onOk={() => void save()}
      width={600}
      destroyOnHidden
    >
      <Typography.Paragraph type="secondary">
        {editTags.intro(chosen.length)} {chosen.length > 1 ? editTags.someHint : null}
      </Typography.Paragraph>
      <Problem error={problem} />
      <TagRows rows={rows} count={chosen.length} onChange={setRows} />
      {[...new Map(calls.map((call) => [call.action, call])).values()].map(({ action, parameters }) => (
        <Equivalent key={action} action={action} version={undefined} parameters={textsOf(parameters)} />
      ))}
    </Modal>
  );
}

interface Call {
  action: string;
  parameters: Parameters;
}

async function askAll(api: EcsApi, calls: readonly Call[]): Promise<void> {
  for (const { action, parameters } of calls) await api.call(action, parameters);
}

interface TagRowsProps {
  rows: readonly TagRow[];
  /** Of resources. */
  count: number;
  onChange: (rows: readonly TagRow[]) => void;
}

function TagRows({ rows, count, onChange }: TagRowsProps) {
  const { form } = useWords();
  const editTags = useSection(editTagsWords);
  const change = (id: number, changed: Partial<TagRow>) =>
    onChange(rows.map((row) => (row.id === id ? { ...row, ...changed } : row)));
  const nextId = Math.max(-1, ...rows.map(({ id }) => id)) + 1;
  return (
    <>
      {rows.map(({ id, key, value, was }) => (
        <div key={id} className="tag-row">
          <Input
            value={key}
            readOnly={was !== null}
            variant={was === null ? 'outlined' : 'filled'}
            aria-label={form.tagKey}
            placeholder={form.tagKey}
            maxLength={128}
            onChange={({ target }) => change(id, { key: target.value })}
          />
          <Input
            value={value}
            aria-label={was === null ? form.tagValue : editTags.valueOf(key)}
            placeholder={was?.value === null ? editTags.differing : form.tagValue}
            maxLength={128}
            onChange={({ target }) => change(id, { value: target.value })}
            {...(was === null || was.count === count ? {} : { suffix: editTags.onSome(was.count, count) })}
          />
          <Button
            type="text"
            icon={<MinusCircleOutlined />}
            aria-label={key === '' ? form.removeTag : editTags.remove(key)}
            onClick={() => onChange(rows.filter((row) => row.id !== id))}
          />
        </div>
      ))}
      {rows.length < MOST_TAGS ? (
        <Button
          type="dashed"
          icon={<PlusOutlined />}
          onClick={() => onChange([...rows, { id: nextId, key: '', value: '', was: null }])}
        >
          {form.addTag}
        </Button>
      ) : null}
    </>
  );
}

interface Target {
  regionId: string;
  resourceType: string;
  ids: readonly string[];
}

/** Removing first, so that there is room for what is put. */
function callsOf({ put, removed }: TagChanges, target: Target): Call[] {
  const common = (ids: readonly string[]) => ({
    RegionId: target.regionId,
    ResourceType: target.resourceType,
    ...Object.fromEntries(ids.map((id, index) => [`ResourceId.${index + 1}`, id])),
  });
  const keys = Object.fromEntries(removed.map((key, index) => [`TagKey.${index + 1}`, key]));
  const tags = Object.fromEntries(
    put.flatMap(({ key, value }, index) => [
      [`Tag.${index + 1}.Key`, key],
      [`Tag.${index + 1}.Value`, value],
    ]),
  );
  const parts = chunk(target.ids);
  return [
    ...(removed.length === 0
      ? []
      : parts.map((ids) => ({ action: 'UntagResources', parameters: { ...common(ids), ...keys } }))),
    ...(put.length === 0
      ? []
      : parts.map((ids) => ({ action: 'TagResources', parameters: { ...common(ids), ...tags } }))),
  ];
}

function chunk(ids: readonly string[]): string[][] {
  const count = Math.ceil(ids.length / MOST_RESOURCES);
  return Array.from({ length: count }, (_none, index) =>
    ids.slice(index * MOST_RESOURCES, (index + 1) * MOST_RESOURCES),
  );
}
