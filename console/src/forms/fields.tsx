/** Fields that several forms have: name, description, tags, and a choice among resources. */
import { useState } from 'react';
import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Select } from 'antd';
import type { Parameters } from '../api/ecs.ts';
import { useAnswer } from '../api/session.tsx';
import { useWords } from '../words/language.tsx';
import type { Given } from './action-dialog.tsx';

export function NameField({ name, label }: { name: string; label: string }) {
  const { form } = useWords();
  return (
    <Form.Item name={name} label={`${label} (${form.optional})`} extra={form.nameRule}>
      <Input maxLength={128} autoComplete="off" />
    </Form.Item>
  );
}

export function DescriptionField() {
  const { field, form } = useWords();
  return (
    <Form.Item name="Description" label={`${field.description} (${form.optional})`}>
      <Input.TextArea maxLength={256} rows={2} />
    </Form.Item>
  );
}

/** Up to twenty; `tagParameters` turns them into `Tag.N.…`. */
export function TagsField() {
  const { field, form } = useWords();
  return (
    <Form.Item label={`${field.tags} (${form.optional})`} style={{ marginBottom: 0 }}>
      <Form.List name="tags">
        {(rows, { add, remove }) => (
          <>
            {rows.map(({ key, name }) => (
              <div key={key} className="tag-row">
                <Form.Item name={[name, 'key']} noStyle>
                  <Input placeholder={form.tagKey} aria-label={form.tagKey} maxLength={128} />
                </Form.Item>
                <Form.Item name={[name, 'value']} noStyle>
                  <Input placeholder={form.tagValue} aria-label={form.tagValue} maxLength={128} />
                </Form.Item>
                <Button
                  type="text"
                  icon={<MinusCircleOutlined />}
                  aria-label={form.removeTag}
                  onClick={() => remove(name)}
                />
              </div>
            ))}
            {rows.length < 20 ? (
              <Form.Item>
                <Button type="dashed" icon={<PlusOutlined />} onClick={() => add({ key: '', value: '' })}>
                  {form.addTag}
                </Button>
              </Form.Item>
            ) : null}
          </>
        )}
      </Form.List>
    </Form.Item>
  );
}

export function tagParameters(given: Given): Parameters {
  const tags = (given['tags'] ?? []) as ({ key?: string; value?: string } | undefined)[];
  const filled = tags.filter((tag) => tag?.key !== undefined && tag.key !== '');
  return Object.fromEntries(
    filled.flatMap((tag, index) => [
      [`Tag.${index + 1}.Key`, tag?.key],
      [`Tag.${index + 1}.Value`, tag?.value],
    ]),
  );
}

/** Text of a field; undefined: it is empty. */
export function textIn(given: Given, name: string): string | undefined {
  const value = given[name];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

interface ResourceFieldProps<A> {
  name: string;
  label: string;
  action: string;
  /** The API's parameter that searches names, with `*`; null: among the newest hundred the page searches itself. */
  searchBy: string | null;
  parameters?: Parameters;
  choicesOf: (answer: A) => readonly { value: string; label: string }[];
  isRequired?: boolean;
  extra?: string;
}

/** A choice among resources: the newest hundred that match what is typed. */
export function ResourceField<A>(props: ResourceFieldProps<A>) {
  const { name, label, action, searchBy, parameters = {}, choicesOf, isRequired = false, extra } = props;
  const { signIn } = useWords();
  const [typed, setTyped] = useState('');
  const search = typed === '' || searchBy === null ? {} : { [searchBy]: `*${typed}*` };
  const { data, isFetching } = useAnswer<A>(action, { ...parameters, ...search, PageSize: 100 });
  return (
    <Form.Item
      name={name}
      label={label}
      rules={isRequired ? [{ required: true, message: signIn.missing }] : []}
      extra={extra}
    >
      <Select
        showSearch={searchBy === null ? { optionFilterProp: 'label' } : { filterOption: false, onSearch: setTyped }}
        allowClear={!isRequired}
        loading={isFetching}
        options={data === undefined ? [] : [...choicesOf(data)]}
      />
    </Form.Item>
  );
}
