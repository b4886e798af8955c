/** Light and dark: what was chosen, else as the system is; nothing moves for who wants that. Amber on both, dark enough for white text on it. */
import { useCallback, useEffect, useState } from 'react';
import { theme as antdTheme } from 'antd';
import type { ThemeConfig } from 'antd';

export type ThemeChoice = 'light' | 'dark' | 'system';

const KEPT = 'hupo.theme';

export function useThemeChoice(): { choice: ThemeChoice; isDark: boolean; choose: (choice: ThemeChoice) => void } {
  const [choice, setChoice] = useState<ThemeChoice>(() => {
    const kept = localStorage.getItem(KEPT);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  });
  const [systemIsDark, setSystemIsDark] = useState(() => darkQuery().matches);
  useEffect(() => {
    const query = darkQuery();
    const follow = () => setSystemIsDark(query.matches);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  const isDark = choice === 'dark' || (choice === 'system' && systemIsDark);
  useEffect(() => {
    document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  }, [isDark]);
  const choose = useCallback((chosen: ThemeChoice) => {
    localStorage.setItem(KEPT, chosen);
    setChoice(chosen);
  }, []);
  return { choice, isDark, choose };
}

export function themeOf(isDark: boolean): ThemeConfig {
  const motion = !window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  const base = { borderRadius: 6, fontSize: 14, wireframe: false, motion };
  if (isDark) {
    return {
      algorithm: antdTheme.darkAlgorithm,
      token: {
        ...base,
        colorPrimary: '#d9822b',
        colorError: '#ff7b72',
        colorLink: '#f0a45d',
        colorInfo: '#d9822b',
        colorTextDescription: '#a8a29a',
      },
      components: {
        Button: { primaryColor: '#1d1206' },
        Menu: { itemSelectedBg: '#3a2a18', itemSelectedColor: '#ffc98a' },
      },
    };
  }
  return {
    algorithm: antdTheme.defaultAlgorithm,
    token: {
      ...base,
      colorPrimary: '#a34e00',
      colorError: '#c01f2e',
      colorLink: '#8f4400',
      colorInfo: '#a34e00',
      colorTextDescription: '#5f5a54',
      colorTextPlaceholder: '#757067',
    },
    components: { Menu: { itemSelectedBg: '#fff1df', itemSelectedColor: '#8f4400' } },
  };
}

function darkQuery(): MediaQueryList {
  return window.matchMedia('(prefers-color-scheme: dark)');
}
