/** Signing in with an AccessKey: it is tried with DescribeRegions, and kept only when the server takes it. */
import { useState } from 'react';
import { Button, Card, Checkbox, Form, Input, Typography } from 'antd';
import { EcsApi } from '../api/ecs.ts';
import type { Region } from '../api/shapes.ts';
import type { SigningKey } from '../../../src/lib/acs3-request.ts';
import { useWords } from '../words/language.tsx';
import { LanguageChoice, ThemeMenu } from '../shell/choices.tsx';
import { Problem } from '../shell/problem.tsx';
import type { useThemeChoice } from '../shell/theme.ts';

interface SignInPageProps {
  onSignIn: (key: SigningKey, regionId: string, isKept: boolean) => void;
  theme: ReturnType<typeof useThemeChoice>;
}

interface Given {
  accessKeyId: string;
  accessKeySecret: string;
  stsToken?: string;
  isKept?: boolean;
}

export function SignInPage({ onSignIn, theme }: SignInPageProps) {
  const { signIn: words, product, tagline } = useWords();
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const submit = async ({ accessKeyId, accessKeySecret, stsToken = '', isKept = false }: Given) => {
    setIsBusy(true);
    setProblem(null);
    const key = {
      accessKeyId: accessKeyId.trim(),
      accessKeySecret: accessKeySecret.trim(),
      ...(stsToken.trim() === '' ? {} : { stsToken: stsToken.trim() }),
    };
    try {
      const answer = await new EcsApi(key).call<{ Regions: { Region: Region[] } }>('DescribeRegions', {});
      const ids = answer.Regions.Region.map(({ RegionId }) => RegionId);
      const before = localStorage.getItem('hupo.region') ?? '';
      onSignIn(key, ids.includes(before) ? before : (ids[0] ?? ''), isKept);
    } catch (error) {
      setProblem(error);
      setIsBusy(false);
    }
  };
  const isMissing = [{ required: true, message: words.missing }];
  return (
    <main className="sign-in">
      <div className="corner">
        <LanguageChoice />
        <ThemeMenu theme={theme} />
      </div>
      <Card className="sign-in-card">
        <div className="brand">
          <img src="/console/amber.svg" alt="" />
          <span>
            {product} · {tagline}
          </span>
        </div>
        <Typography.Title level={1} style={{ fontSize: 20, marginTop: 16 }}>
          {words.title}
        </Typography.Title>
        <Typography.Paragraph type="secondary">{words.intro}</Typography.Paragraph>
        <Problem error={problem} />
        <Form<Given> layout="vertical" onFinish={(given) => void submit(given)} requiredMark={false}>
          <Form.Item name="accessKeyId" label={words.accessKeyId} rules={isMissing}>
            <Input autoComplete="username" autoFocus spellCheck={false} />
          </Form.Item>
          <Form.Item name="accessKeySecret" label={words.accessKeySecret} rules={isMissing}>
            <Input.Password autoComplete="current-password" />
          </Form.Item>
          <Form.Item name="stsToken" label={words.stsToken}>
            <Input.Password autoComplete="off" />
          </Form.Item>
          <Form.Item name="isKept" valuePropName="checked">
            <Checkbox>{words.keep}</Checkbox>
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={isBusy}>
            {words.submit}
          </Button>
        </Form>
        <Typography.Paragraph type="secondary" style={{ marginTop: 16, marginBottom: 0 }}>
          {words.where}
        </Typography.Paragraph>
      </Card>
    </main>
  );
}
