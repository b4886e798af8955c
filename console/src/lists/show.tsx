/** How single things are shown the same everywhere: ids, times, states, tags, links. */
import { Badge, Progress, Space, Tag, Tooltip, Typography } from 'antd';
import { Link } from 'wouter';
import type { Snapshot, TagPair } from '../api/shapes.ts';
import { useSpeech, useWords } from '../words/language.tsx';

/** With a button that copies it. */
export function Id({ id }: { id: string }) {
  const { list } = useWords();
  return (
    <Typography.Text className="cell-id" copyable={{ text: id, tooltips: [list.copy, list.copied], tabIndex: 0 }}>
      {id}
    </Typography.Text>
  );
}

/** Name over id; both lead to the thing's page where it has one. */
export function NameAndId({ name, id, to }: { name: string; id: string; to?: string }) {
  const shown = name === '' ? id : name;
  return (
    <span className="cell-name">
      {to === undefined ? <span>{shown}</span> : <Link href={to}>{shown}</Link>}
      <Id id={id} />
    </span>
  );
}

/** In the browser's zone and words; the exact time in UTC as a hint. */
export function Time({ at }: { at: string }) {
  const { language } = useSpeech();
  const date = new Date(at);
  if (at === '' || Number.isNaN(date.getTime())) return <>–</>;
  const format = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
  });
  return (
    <Tooltip title={at}>
      <time dateTime={at}>{format.format(date)}</time>
    </Tooltip>
  );
}

const colors: Readonly<Record<string, 'success' | 'processing' | 'error' | 'default'>> = {
  In_use: 'success',
  Running: 'success',
  accomplished: 'success',
  progressing: 'processing',
  failed: 'error',
  Available: 'default',
  Stopped: 'default',
};

export function Status({ status }: { status: string }) {
  const words = useWords();
  return <Badge status={colors[status] ?? 'processing'} text={words.status[status] ?? status} />;
}

/** A bar while it is uploaded, then how it ended. */
export function SnapshotStatus({ snapshot }: { snapshot: Snapshot }) {
  const words = useWords();
  const {
    Status: status,
    Progress: progress,
    RemainTime: remaining,
    Available: isUsable,
    FailureReason: reason,
  } = snapshot;
  if (status === 'failed') {
    return (
      <Tooltip title={reason ?? ''}>
        <span>
          <Status status={status} />
        </span>
      </Tooltip>
    );
  }
  if (status !== 'progressing') return <Status status={status} />;
  return (
    <div className="progress-cell">
      <Progress
        percent={Number.parseInt(progress, 10) || 0}
        size="small"
        status="active"
        aria-label={words.field.progress}
      />
      <Space size={4} wrap>
        {remaining > 0 ? (
          <Typography.Text type="secondary">{words.snapshots.remaining(remaining)}</Typography.Text>
        ) : null}
        {isUsable ? <Tag color="green">{words.field.usableNow}</Tag> : null}
      </Space>
    </div>
  );
}

export function TagList({ tags }: { tags: readonly TagPair[] }) {
  if (tags.length === 0) return <>–</>;
  return (
    <Space size={4} wrap>
      {tags.map(({ TagKey: key, TagValue: value }) => (
        <Tag key={key}>{value === '' ? key : `${key}=${value}`}</Tag>
      ))}
    </Space>
  );
}

export function LockMarks({ reasons }: { reasons: readonly string[] }) {
  return reasons.map((reason) => (
    <Tag key={reason} color="red">
      {reason}
    </Tag>
  ));
}

/** Of bytes: to three figures, in binary units. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at++;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[at]}`;
}
