/**
 * The server lets in only styles that carry the nonce of the page. antd's own do; some of the libraries below it write style elements without: so every one
 * that is made here gets it. Whoever could make one could run code in the page anyway.
 */
export function carryStyleNonce(): void {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? '';
  const create = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
