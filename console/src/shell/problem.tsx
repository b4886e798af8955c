/** What went wrong: what, which and what to do, with code and request id. */
import { Alert, Button } from 'antd';
import { CallError } from '../api/ecs.ts';
import { useWords } from '../words/language.tsx';

export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { error: words } = useWords();
  if (error === null || error === undefined) return null;
  const call = error instanceof CallError ? error : null;
  const advice = call === null ? undefined : words.advice[call.code];
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      style={{ marginBottom: 16 }}
      title={call?.message ?? (error instanceof Error ? error.message : words.title)}
      description={
        <>
          {advice === undefined ? null : <div>{advice}</div>}
          {call === null ? null : (
            <div className="cell-id">
              {words.code}: {call.code}
              {call.requestId === '' ? null : ` · ${words.requestId}: ${call.requestId}`}
            </div>
          )}
        </>
      }
      {...(onRetry === undefined ? {} : { action: <Button onClick={onRetry}>{words.retry}</Button> })}
    />
  );
}
