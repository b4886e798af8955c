/**
 * A form that asks for one action of the API, of one thing or of several, one after the other. Under *API* it shows the same as a command and as a program's call.
 * What is refused is told with its reason, and the form stays as it was filled in.
 */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { Alert, App, Collapse, Form, Input, Modal, Typography } from 'antd';
import { useQueryClient } from '@tanstack/react-query';
import { textsOf } from '../api/ecs.ts';
import type { Parameters } from '../api/ecs.ts';
import { aliyunCommand, sdkCall } from '../api/equivalent.ts';
import { useSession } from '../api/session.tsx';
import { Problem } from '../shell/problem.tsx';
import { useWords } from '../words/language.tsx';

/** What the fields of a form hold. */
export type Given = Record<string, unknown>;

export interface ActionDialogProps {
  title: string;
  intro?: ReactNode;
  action: string;
  /** Of an API beside ECS: `2015-05-01` is RAM. */
  version?: string;
  /** What the user calls each thing that is acted on; several for an action on many. */
  subjects?: readonly string[];
  /** One call a subject. */
  toParameters: (given: Given, subject: string) => Parameters;
  initial?: Given;
  fields?: ReactNode;
  submit: string;
  isDangerous?: boolean;
  /** Has to be typed before it can be done. */
  confirmText?: string;
  /** What the action answered, before the form closes: for what is told only once. */
  onAnswer?: (answer: Record<string, unknown>) => void;
  onClose: (isDone: boolean) => void;
}

export function ActionDialog(props: ActionDialogProps) {
  const {
    title,
    intro,
    action,
    subjects = [''],
    toParameters,
    initial,
    fields,
    submit,
    isDangerous = false,
    confirmText,
    version,
    onAnswer,
    onClose,
  } = props;
  const words = useWords();
  const { message } = App.useApp();
  const { api, regionId } = useSession();
  const client = useQueryClient();
  const [form] = Form.useForm<Given>();
  const given = (Form.useWatch([], form) as Given | undefined) ?? initial ?? {};
  const [typed, setTyped] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [refused, setRefused] = useState<readonly { subject: string; error: unknown }[]>([]);
  const ask = async (values: Given) => {
    setIsBusy(true);
    const failed: { subject: string; error: unknown }[] = [];
    for (const subject of subjects) {
      const parameters = { RegionId: regionId, ...toParameters(values, subject) };
      await api
        .call<Record<string, unknown>>(action, parameters, version === undefined ? {} : { version })
        .then(onAnswer, (error: unknown) => failed.push({ subject, error }));
    }
    await client.invalidateQueries({ queryKey: ['answer'] });
    setIsBusy(false);
    setRefused(failed);
    if (failed.length > 0) return;
    void message.success(words.form.done);
    onClose(true);
  };
  const shown = textsOf({ RegionId: regionId, ...toParameters(given, subjects[0] ?? '') });
  const isHeld = confirmText !== undefined && typed !== confirmText;
  return (
    <Modal
      open
      title={title}
      onCancel={() => onClose(false)}
      okText={submit}
      cancelText={words.form.cancel}
      okButtonProps={{ danger: isDangerous, disabled: isHeld, loading: isBusy }}
      onOk={() => form.submit()}
      width={560}
      destroyOnHidden
    >
      {intro === undefined ? null : <Typography.Paragraph type="secondary">{intro}</Typography.Paragraph>}
      <Refusals refused={refused} count={subjects.length} />
      <Form<Given>
        form={form}
        layout="vertical"
        {...(initial === undefined ? {} : { initialValues: initial })}
        onFinish={(values) => void ask(values)}
      >
        {fields}
        {confirmText === undefined ? null : <Confirm {...{ confirmText, typed }} onType={setTyped} />}
      </Form>
      <Equivalent {...{ action, version }} parameters={shown} />
    </Modal>
  );
}

interface ConfirmProps {
  confirmText: string;
  typed: string;
  onType: (text: string) => void;
}

function Confirm({ confirmText, typed, onType }: ConfirmProps) {
  const { form } = useWords();
  return (
    <Form.Item label={form.typeToConfirm(confirmText)}>
      <Input value={typed} onChange={(event) => onType(event.target.value)} autoComplete="off" />
    </Form.Item>
  );
}

function Refusals({ refused, count }: { refused: readonly { subject: string; error: unknown }[]; count: number }) {
  const words = useWords();
  if (refused.length === 0) return null;
  return (
    <>
      {count > 1 ? (
        <Alert type="warning" title={words.form.partly(count - refused.length, count)} style={{ marginBottom: 8 }} />
      ) : null}
      {refused.map(({ subject, error }) => (
        <Problem key={subject} error={error} />
      ))}
    </>
  );
}

interface EquivalentProps {
  action: string;
  version: string | undefined;
  parameters: Record<string, string>;
}

export function Equivalent({ action, version, parameters }: EquivalentProps) {
  const { form } = useWords();
  const command = aliyunCommand(action, parameters, version);
  const call = sdkCall(action, parameters);
  const children = (
    <>
      <Typography.Paragraph type="secondary">{form.apiIntro}</Typography.Paragraph>
      <Typography.Paragraph copyable={{ text: command }}>aliyun CLI</Typography.Paragraph>
      <pre className="code">{command}</pre>
      {call === null ? null : (
        <>
          <Typography.Paragraph copyable={{ text: call }} style={{ marginTop: 12 }}>
            SDK (TypeScript)
          </Typography.Paragraph>
          <pre className="code">{call}</pre>
        </>
      )}
    </>
  );
  return <Collapse ghost size="small" items={[{ key: 'api', label: form.api, children }]} />;
}
