/** Language and theme, as two small menus. */
import { GlobalOutlined, MoonOutlined, SunOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import { useSpeech } from '../words/language.tsx';
import type { useThemeChoice } from './theme.ts';

export function LanguageChoice() {
  const { words, language, speak } = useSpeech();
  const items = [
    { key: 'en', label: 'English' },
    { key: 'zh', label: '中文' },
  ];
  const onClick = ({ key }: { key: string }) => speak(key === 'zh' ? 'zh' : 'en');
  return (
    <Dropdown menu={{ items, onClick, selectedKeys: [language] }} trigger={['click']}>
      <Button type="text" icon={<GlobalOutlined />} aria-label={words.shell.languageChoice} />
    </Dropdown>
  );
}

export function ThemeMenu({ theme }: { theme: ReturnType<typeof useThemeChoice> }) {
  const { words } = useSpeech();
  const items = (['light', 'dark', 'system'] as const).map((key) => ({ key, label: words.shell[key] }));
  const onClick = ({ key }: { key: string }) => theme.choose(key === 'light' || key === 'dark' ? key : 'system');
  return (
    <Dropdown menu={{ items, onClick, selectedKeys: [theme.choice] }} trigger={['click']}>
      <Button type="text" icon={theme.isDark ? <MoonOutlined /> : <SunOutlined />} aria-label={words.shell.theme} />
    </Dropdown>
  );
}
