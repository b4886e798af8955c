/** The console's start: language, theme, session, then the pages. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App } from './shell/app.tsx';
import { CallError } from './api/ecs.ts';
import { carryStyleNonce } from './shell/style-nonce.ts';
import { LanguageProvider } from './words/language.tsx';
import './shell/console.css';

carryStyleNonce();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again; what it did not answer may work.
      retry: (count, error) => error instanceof CallError && error.status === 0 && count < 3,
      staleTime: 2000,
    },
  },
});

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <LanguageProvider>
          <App />
        </LanguageProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
