/** Whom events are told to: add with a secret that is shown once, try, and take away. */
import { useState } from 'react';
import { MoreOutlined } from '@ant-design/icons';
import { Alert, Badge, Button, Dropdown, Empty, Form, Input, Modal, Select, Space, Table, Tag, Typography } from 'antd';
import type { TableColumnType } from 'antd';
import { useAnswer, useSession } from '../api/session.tsx';
import type { Webhook, WebhookTest, WebhooksAnswer } from '../api/shapes-observe.ts';
import { ActionDialog } from '../forms/action-dialog.tsx';
import { DescriptionField, textIn } from '../forms/fields.tsx';
import { Id, Time } from '../lists/show.tsx';
import { Problem } from '../shell/problem.tsx';
import { useSection, useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { observeWords } from '../words/observe.ts';

type ObserveWords = (typeof observeWords)['en'];

/** While events wait to be sent. */
const WAITING_MS = 3000;

interface Tried {
  url: string;
  /** Null: it is not answered yet. */
  answer: WebhookTest | null;
  error: unknown;
}

export function Webhooks() {
  const words = useWords();
  const observe = useSection(observeWords);
  const { webhooks } = observe;
  const { data, error, isFetching, refetch } = useAnswer<WebhooksAnswer>(
    'HupoDescribeEventSubscriptions',
    {},
    { refreshMs: (answer) => (answer !== undefined && rowsOf(answer).some(isBehind) ? WAITING_MS : false) },
  );
  const { tried, test } = useWebhookTest();
  const [isCreating, setIsCreating] = useState(false);
  const [deleting, setDeleting] = useState<Webhook | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <Problem error={error} onRetry={() => void refetch()} />
      <Space style={{ marginBottom: 12 }} wrap>
        <Button type="primary" onClick={() => setIsCreating(true)}>
          {webhooks.create}
        </Button>
        <Typography.Text type="secondary">{webhooks.intro}</Typography.Text>
      </Space>
      {tried === null ? null : <TestOutcome tried={tried} />}
      <Table<Webhook>
        rowKey={({ SubscriptionId }) => SubscriptionId}
        dataSource={data === undefined ? [] : [...rowsOf(data)]}
        columns={columnsOf(words, observe, { onTest: test, onDelete: setDeleting })}
        loading={data === undefined && isFetching}
        size="middle"
        className="table"
        pagination={false}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={webhooks.empty} /> }}
      />
      {isCreating ? <CreateWebhookDialog onSecret={setSecret} onClose={() => setIsCreating(false)} /> : null}
      {secret === null ? null : <SecretOnce secret={secret} onClose={() => setSecret(null)} />}
      {deleting === null ? null : (
        <ActionDialog
          title={webhooks.delete}
          intro={
            <>
              {deleting.Url}
              <br />
              {webhooks.deleteIntro}
            </>
          }
          action="HupoDeleteEventSubscription"
          toParameters={() => ({ SubscriptionId: deleting.SubscriptionId })}
          submit={webhooks.delete}
          isDangerous
          onClose={() => setDeleting(null)}
        />
      )}
    </>
  );
}

const rowsOf = (answer: WebhooksAnswer) => answer.EventSubscriptions.EventSubscription;
const isBehind = ({ BacklogCount, Status }: Webhook) => BacklogCount > 0 || Status !== 'Active';

function useWebhookTest(): { tried: Tried | null; test: (webhook: Webhook) => void } {
  const { api, regionId } = useSession();
  const [tried, setTried] = useState<Tried | null>(null);
  const test = ({ SubscriptionId, Url: url }: Webhook) => {
    setTried({ url, answer: null, error: null });
    api.call<WebhookTest>('HupoTestEventSubscription', { RegionId: regionId, SubscriptionId }).then(
      (answer) => setTried({ url, answer, error: null }),
      (error: unknown) => setTried({ url, answer: null, error }),
    );
  };
  return { tried, test };
}

function TestOutcome({ tried: { url, answer, error } }: { tried: Tried }) {
  const { webhooks } = useSection(observeWords);
  if (error !== null) return <Problem error={error} />;
  const style = { marginBottom: 12 };
  if (answer === null)
    return <Alert role="status" type="info" title={webhooks.testing} description={url} {...{ style }} />;
  if (answer.IsDelivered)
    return <Alert role="status" type="success" showIcon title={webhooks.taken(url)} {...{ style }} />;
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={webhooks.notTaken(url)}
      description={answer.Error}
      {...{ style }}
    />
  );
}

interface Acts {
  onTest: (webhook: Webhook) => void;
  onDelete: (webhook: Webhook) => void;
}

function columnsOf({ field, list }: Words, { webhooks, events }: ObserveWords, acts: Acts): TableColumnType<Webhook>[] {
  return [
    {
      key: 'url',
      title: webhooks.url,
      render: (_value, row) => (
        <span className="cell-name">
          <span className="said">{row.Url}</span>
          {row.Description === '' ? null : <Typography.Text type="secondary">{row.Description}</Typography.Text>}
          <Id id={row.SubscriptionId} />
        </span>
      ),
    },
    { key: 'status', title: field.status, render: (_value, row) => <WebhookStatus webhook={row} /> },
    { key: 'backlog', title: webhooks.backlog, render: (_value, row) => <Backlog webhook={row} /> },
    { key: 'success', title: webhooks.lastSuccess, render: (_value, row) => <Time at={row.LastSuccessTime} /> },
    {
      key: 'types',
      title: webhooks.types,
      render: (_value, { EventTypes: { EventType: types } }) => (
        <Space size={4} wrap>
          {types.length === 0
            ? webhooks.allTypes
            : types.map((type) => (
                <Tag key={type} title={type}>
                  {events.types[type] ?? type}
                </Tag>
              ))}
        </Space>
      ),
    },
    {
      key: 'actions',
      title: list.actions,
      render: (_value, row) => {
        const items = [
          { key: 'test', label: webhooks.test },
          { key: 'delete', label: webhooks.delete, danger: true },
        ];
        const onClick = ({ key }: { key: string }) => (key === 'test' ? acts.onTest(row) : acts.onDelete(row));
        return (
          <Dropdown menu={{ items, onClick }} trigger={['click']}>
            <Button type="text" icon={<MoreOutlined />} aria-label={list.more(row.Url)} />
          </Dropdown>
        );
      },
    },
  ];
}

function WebhookStatus({ webhook }: { webhook: Webhook }) {
  const { webhooks } = useSection(observeWords);
  const { Status: status, FailureCount: count, LastError: error, NextTryTime: next } = webhook;
  const tone = { Active: 'success', Retrying: 'warning', Failing: 'error' } as const;
  return (
    <>
      <Badge status={tone[status]} text={webhooks.status[status] ?? status} />
      {count === 0 ? null : (
        <div className="said">
          {webhooks.failures(count)}: {error}
          {next === '' ? null : (
            <>
              {' · '}
              {webhooks.nextTry} <Time at={next} />
            </>
          )}
        </div>
      )}
    </>
  );
}

function Backlog({ webhook: { BacklogCount: waiting, MissedCount: missed } }: { webhook: Webhook }) {
  const { webhooks } = useSection(observeWords);
  return (
    <Space size={4} wrap>
      {waiting}
      {missed > 0 ? <Tag color="red">{webhooks.missed(missed)}</Tag> : null}
    </Space>
  );
}

function CreateWebhookDialog({ onSecret, onClose }: { onSecret: (secret: string) => void; onClose: () => void }) {
  const { signIn } = useWords();
  const { webhooks, events } = useSection(observeWords);
  const types = Object.entries(events.types).map(([value, label]) => ({ value, label: `${label} · ${value}` }));
  return (
    <ActionDialog
      title={webhooks.create}
      intro={webhooks.createIntro}
      action="HupoCreateEventSubscription"
      toParameters={(given) => {
        const wanted = (given['types'] ?? []) as string[];
        return {
          Url: textIn(given, 'Url'),
          Description: textIn(given, 'Description'),
          ...Object.fromEntries(wanted.map((type, index) => [`EventType.${index + 1}`, type])),
        };
      }}
      fields={
        <>
          <Form.Item
            name="Url"
            label={webhooks.url}
            extra={webhooks.urlRule}
            rules={[{ required: true, message: signIn.missing }]}
          >
            <Input autoComplete="off" maxLength={2048} inputMode="url" />
          </Form.Item>
          <Form.Item name="types" label={webhooks.types} extra={webhooks.typesHint}>
            <Select mode="multiple" options={types} allowClear />
          </Form.Item>
          <DescriptionField />
        </>
      }
      submit={webhooks.create}
      onAnswer={({ Secret: secret }) => onSecret(String(secret))}
      onClose={onClose}
    />
  );
}

/** Closes only by its button: there is no second look. */
function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  const { list } = useWords();
  const { webhooks } = useSection(observeWords);
  return (
    <Modal
      open
      title={webhooks.secretTitle}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={onClose}>
          {webhooks.secretStored}
        </Button>
      }
    >
      <Typography.Paragraph>{webhooks.secretIntro}</Typography.Paragraph>
      <Typography.Paragraph copyable={{ text: secret, tooltips: [list.copy, list.copied], tabIndex: 0 }} code>
        {secret}
      </Typography.Paragraph>
    </Modal>
  );
}
