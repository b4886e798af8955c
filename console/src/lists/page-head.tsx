/** The top of a page: what it is for, and what can be made there. */
import type { ReactNode } from 'react';
import { Space, Typography } from 'antd';

export function PageHead({ title, intro, actions }: { title: ReactNode; intro?: ReactNode; actions?: ReactNode }) {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {intro === undefined ? null : <Typography.Paragraph type="secondary">{intro}</Typography.Paragraph>}
      </div>
      <Space wrap>{actions}</Space>
    </header>
  );
}
