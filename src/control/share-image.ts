/** ModifyImageSharePermission as a request. There is one account: with whom an image is shared is kept and shown, and has no effect. */
import { countImageShares, deleteImageShare, insertImageShare } from '../catalog/image-shares.ts';
import { refuseShareImage } from '../ecs/image-rules.ts';
import { change } from './change.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ShareImageRequest } from './requests.ts';
import { assertAllowed, getImage, imageFacts } from './rows.ts';

export async function shareImage(parts: Parts, request: ShareImageRequest, options: ChangeOptions): Promise<void> {
  const { imageId, added, removed } = request;
  await change(parts, options, async (transaction) => {
    const image = imageFacts(await getImage(transaction, imageId));
    const sharedAtMs = parts.clock.nowMs();
    for (const accountId of removed) await deleteImageShare(transaction, imageId, accountId);
    for (const accountId of added) await insertImageShare(transaction, imageId, { accountId, sharedAtMs });
    assertAllowed(refuseShareImage(image, await countImageShares(transaction, imageId)));
  });
}
