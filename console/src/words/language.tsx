/** Which language the console speaks: what was chosen before, else what the browser asks for. The other one is loaded when it is asked for. */
import { createContext, use, useCallback, useEffect, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { Locale } from 'antd/es/locale';
import type { Words } from './en.ts';

export type Language = 'en' | 'zh';

interface Speech {
  language: Language;
  words: Words;
  /** antd's own words. */
  locale: Locale;
}

const KEPT = 'hupo.language';

const loaders: Record<Language, () => Promise<Speech>> = {
  en: async () => {
    const [{ en }, { default: locale }] = await Promise.all([import('./en.ts'), import('antd/es/locale/en_US')]);
    return { language: 'en', words: en, locale };
  },
  zh: async () => {
    const [{ zh }, { default: locale }] = await Promise.all([import('./zh.ts'), import('antd/es/locale/zh_CN')]);
    return { language: 'zh', words: zh, locale };
  },
};

interface Spoken extends Speech {
  speak: (language: Language) => void;
}

const SpeechContext = createContext<Spoken | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [chosen, setChosen] = useState<Language>(firstLanguage);
  const [speech, setSpeech] = useState<Speech | null>(null);
  useEffect(() => {
    let isWanted = true;
    void loaders[chosen]().then((loaded) => {
      if (!isWanted) return;
      setSpeech(loaded);
      document.documentElement.lang = chosen === 'zh' ? 'zh-CN' : 'en';
    });
    return () => {
      isWanted = false;
    };
  }, [chosen]);
  const speak = useCallback((language: Language) => {
    localStorage.setItem(KEPT, language);
    setChosen(language);
  }, []);
  const spoken = useMemo(() => (speech === null ? null : { ...speech, speak }), [speech, speak]);
  return spoken === null ? null : <SpeechContext value={spoken}>{children}</SpeechContext>;
}

export function useSpeech(): Spoken {
  const spoken = use(SpeechContext);
  if (spoken === null) throw new Error('LanguageProvider is missing');
  return spoken;
}

export function useWords(): Words {
  return useSpeech().words;
}

/** The words of one group of pages, loaded with them and not with the first view. */
export interface Section<W> {
  en: W;
  zh: W;
}

export function useSection<W>(section: Section<W>): W {
  return section[useSpeech().language];
}

function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.languages.some((language) => language.startsWith('zh')) ? 'zh' : 'en';
}
