/** `npm run docs`: writes `docs/api.md` as it should be now. */
import fs from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { formatApiPage } from './api-page.ts';

const file = path.join(import.meta.dirname, '../../docs/api.md');
fs.writeFileSync(file, await format(formatApiPage(), { parser: 'markdown' }));
