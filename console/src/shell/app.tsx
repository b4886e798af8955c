/** The frame of all pages: theme, session and which page an address is. Pages are loaded when they are gone to. */
import { lazy, Suspense } from 'react';
import { App as AntdApp, ConfigProvider, Spin } from 'antd';
import { Route, Router, Switch } from 'wouter';
import { SessionProvider } from '../api/session.tsx';
import { SignInPage } from '../pages/sign-in.tsx';
import { useSpeech } from '../words/language.tsx';
import { Frame } from './frame.tsx';
import { themeOf, useThemeChoice } from './theme.ts';

const Overview = lazy(async () => ({ default: (await import('../pages/overview.tsx')).OverviewPage }));
const Disks = lazy(async () => ({ default: (await import('../pages/disks.tsx')).DisksPage }));
const DiskDetails = lazy(async () => ({ default: (await import('../pages/disk.tsx')).DiskPage }));
const Snapshots = lazy(async () => ({ default: (await import('../pages/snapshots.tsx')).SnapshotsPage }));
const Instances = lazy(async () => ({ default: (await import('../pages/instances.tsx')).InstancesPage }));
const InstanceDetails = lazy(async () => ({ default: (await import('../pages/instance.tsx')).InstancePage }));
const NotFound = lazy(async () => ({ default: (await import('../pages/not-found.tsx')).NotFoundPage }));

export function App() {
  const { locale } = useSpeech();
  const theme = useThemeChoice();
  return (
    <ConfigProvider locale={locale} theme={themeOf(theme.isDark)}>
      <AntdApp>
        <Router base="/console">
          <SessionProvider signInPage={(signIn) => <SignInPage onSignIn={signIn} theme={theme} />}>
            <Frame theme={theme}>
              <Suspense fallback={<Spin size="large" />}>
                <Switch>
                  <Route path="/" component={Overview} />
                  <Route path="/disks" component={Disks} />
                  <Route path="/disks/:id">{({ id }) => <DiskDetails key={id} diskId={id} />}</Route>
                  <Route path="/snapshots" component={Snapshots} />
                  <Route path="/instances" component={Instances} />
                  <Route path="/instances/:id">{({ id }) => <InstanceDetails key={id} instanceId={id} />}</Route>
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
