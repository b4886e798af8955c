import test from 'node:test';
import assert from 'node:assert/strict';
import { EcsError, type EcsErrorFields } from './ecs-client.ts';
import { formatRefusal } from './refusal.ts';

function format(fields: Partial<EcsErrorFields>): string {
  return formatRefusal(
    new EcsError({ status: 400, code: 'C', message: 'M.', requestId: 'R', recommend: '', ...fields }),
  );
}

test('a refusal is printed as the aliyun CLI prints it', () => {
  assert.equal(
    format({ recommend: 'https://docs.example.org/C' }),
    'ERROR: SDK.ServerError\nErrorCode: C\nRecommend: https://docs.example.org/C\nRequestId: R\nMessage: M.\n',
  );
});

test('addresses of the public cloud, which knows nothing of this server, are left out', () => {
  assert.doesNotMatch(format({ recommend: 'https://api.aliyun.com/troubleshoot?q=C' }), /Recommend/);
  assert.match(format({ recommend: 'https://aliyun.com.example.org/' }), /Recommend/);
});

test('a wrong secret is told from a changed request', () => {
  assert.match(
    format({ code: 'SignatureDoesNotMatch', isSecretWrong: true }),
    /\n\nThe AccessKeySecret is not the one/,
  );
  assert.match(
    format({ code: 'SignatureDoesNotMatch', isSecretWrong: false }),
    /\n\nThe request was changed on its way/,
  );
  assert.match(format({ code: 'InvalidAccessKeyId.NotFound' }), /does not know the AccessKeyId/);
});
