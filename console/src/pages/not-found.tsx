/** An address that is no page. */
import { Result } from 'antd';
import { Link } from 'wouter';
import { useWords } from '../words/language.tsx';

export function NotFoundPage() {
  const { shell } = useWords();
  return (
    <Result
      status="404"
      title={shell.notFound}
      subTitle={shell.notFoundHint}
      extra={<Link href="/">{shell.back}</Link>}
    />
  );
}
