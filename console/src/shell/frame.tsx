/** Menu, header and the place of the page. On a narrow screen the menu is a drawer. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { MenuOutlined, UserOutlined } from '@ant-design/icons';
import { Alert, Badge, Button, Drawer, Dropdown, Grid, Layout, Menu, Select, Tooltip, theme as antdTheme } from 'antd';
import { Link, useLocation } from 'wouter';
import { useLiveChanges } from '../api/live.ts';
import type { Liveness } from '../api/live.ts';
import { useAnswer, useSession } from '../api/session.tsx';
import type { Region } from '../api/shapes.ts';
import { useWords } from '../words/language.tsx';
import { LanguageChoice, ThemeMenu } from './choices.tsx';
import { MENU_GROUPS, places } from './places.tsx';
import type { MenuGroup } from './places.tsx';
import type { useThemeChoice } from './theme.ts';

export function Frame({ children, theme }: { children: ReactNode; theme: ReturnType<typeof useThemeChoice> }) {
  const words = useWords();
  const { token } = antdTheme.useToken();
  const isWide = Grid.useBreakpoint().lg ?? true;
  const [isOpen, setIsOpen] = useState(false);
  const liveness = useLiveChanges();
  const menu = <MainMenu onGone={() => setIsOpen(false)} />;
  return (
    <Layout className="frame">
      <a className="skip" href="#content">
        {words.shell.skip}
      </a>
      <Layout.Header
        className="head"
        style={{ background: token.colorBgContainer, borderBottom: `1px solid ${token.colorSplit}` }}
      >
        {isWide ? null : (
          <Button type="text" icon={<MenuOutlined />} aria-label={words.menu.toggle} onClick={() => setIsOpen(true)} />
        )}
        <Link className="brand" href="/">
          <img src="/console/amber.svg" alt="" />
          <span>{words.product}</span>
        </Link>
        <RegionChoice />
        <span className="spacer" />
        <LiveMark liveness={liveness} />
        <LanguageChoice />
        <ThemeMenu theme={theme} />
        <AccountMenu />
      </Layout.Header>
      <Layout>
        {isWide ? (
          <Layout.Sider width={220} theme="light" style={{ background: token.colorBgContainer }}>
            {menu}
          </Layout.Sider>
        ) : (
          <Drawer placement="left" size={240} open={isOpen} onClose={() => setIsOpen(false)} title={words.product}>
            {menu}
          </Drawer>
        )}
        <Layout.Content>
          <main id="content" className="content" tabIndex={-1}>
            {liveness === 'offline' ? (
              <Alert type="warning" showIcon title={words.shell.offline} style={{ marginBottom: 16 }} />
            ) : null}
            {children}
          </main>
        </Layout.Content>
      </Layout>
    </Layout>
  );
}

function MainMenu({ onGone }: { onGone: () => void }) {
  const { menu } = useWords();
  const [place] = useLocation();
  const itemsOf = (group: MenuGroup | undefined) =>
    places.flatMap(({ path, menu: entry }) => {
      if (entry === undefined || entry.group !== group) return [];
      const label = (
        <Link href={path} onClick={onGone}>
          {menu[entry.label]}
        </Link>
      );
      return [{ key: path, icon: <span aria-hidden="true">{entry.icon}</span>, label }];
    });
  const groups = MENU_GROUPS.map((key) => ({ key, type: 'group' as const, label: menu[key], children: itemsOf(key) }));
  const items = [...itemsOf(undefined), ...groups.filter(({ children }) => children.length > 0)];
  const chosen = `/${place.split('/')[1] ?? ''}`;
  return (
    <nav aria-label={menu.label}>
      <Menu mode="inline" items={items} selectedKeys={[chosen]} style={{ borderInlineEnd: 'none' }} />
    </nav>
  );
}

function RegionChoice() {
  const words = useWords();
  const { regionId, chooseRegion } = useSession();
  const { data } = useAnswer<{ Regions: { Region: Region[] } }>('DescribeRegions', {});
  const options = (data?.Regions.Region ?? []).map(({ RegionId: value, LocalName }) => ({
    value,
    label: LocalName || value,
  }));
  return (
    <Select
      aria-label={words.shell.region}
      value={regionId}
      options={options.length > 0 ? options : [{ value: regionId, label: regionId }]}
      onChange={chooseRegion}
      popupMatchSelectWidth={false}
      variant="filled"
    />
  );
}

function LiveMark({ liveness }: { liveness: Liveness }) {
  const { shell } = useWords();
  if (liveness !== 'live') return null;
  return (
    <Tooltip title={shell.liveHint}>
      <span className="only-wide">
        <Badge status="processing" color="green" text={shell.live} />
      </span>
    </Tooltip>
  );
}

function AccountMenu() {
  const words = useWords();
  const { api, signOut } = useSession();
  const items = [
    { key: 'id', label: api.accessKeyId, disabled: true },
    { key: 'out', label: words.signIn.signOut },
  ];
  const onClick = ({ key }: { key: string }) => {
    if (key === 'out') signOut();
  };
  return (
    <Dropdown menu={{ items, onClick }} trigger={['click']}>
      <Button type="text" icon={<UserOutlined />} aria-label={words.shell.account} />
    </Dropdown>
  );
}
