/** The frame of all pages: theme, session and which page an address is. Pages are loaded when they are gone to. */
import { lazy, Suspense } from 'react';
import { LoadingOutlined } from '@ant-design/icons';
import { App as AntdApp, ConfigProvider, Spin } from 'antd';
import { Route, Router, Switch } from 'wouter';
import { SessionProvider } from '../api/session.tsx';
import { SignInPage } from '../pages/sign-in.tsx';
import { useSpeech } from '../words/language.tsx';
import { Frame } from './frame.tsx';
import { places } from './places.tsx';
import { themeOf, useThemeChoice } from './theme.ts';

const NotFound = lazy(async () => ({ default: (await import('../pages/not-found.tsx')).NotFoundPage }));

/** Shown and taken away at once. antd's own is moved in and out, and when the answer comes before that has begun it stays for ever. */
const waitingButton = { loadingIcon: <LoadingOutlined spin /> };

export function App() {
  const { locale } = useSpeech();
  const theme = useThemeChoice();
  return (
    <ConfigProvider locale={locale} theme={themeOf(theme.isDark)} button={waitingButton}>
      <AntdApp>
        <Router base="/console">
          <SessionProvider signInPage={(signIn) => <SignInPage onSignIn={signIn} theme={theme} />}>
            <Frame theme={theme}>
              <Suspense fallback={<Spin size="large" />}>
                <Switch>
                  {places.map(({ path, page: Page }) => (
                    <Route key={path} path={path}>
                      {({ id = '' }: { id?: string }) => <Page key={id} id={id} />}
                    </Route>
                  ))}
                  <Route component={NotFound} />
                </Switch>
              </Suspense>
            </Frame>
          </SessionProvider>
        </Router>
      </AntdApp>
    </ConfigProvider>
  );
}
