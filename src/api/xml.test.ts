import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { formatXml } from './xml.ts';

const parser = new XMLParser({ parseTagValue: false, trimValues: false, ignoreDeclaration: true, htmlEntities: true });

test('an answer is its members as elements, lists repeated in their wrapper', () => {
  const body = {
    RequestId: 'R-1',
    TotalCount: 2,
    Encrypted: false,
    Description: '',
    Disks: {
      Disk: [
        { DiskId: 'd-1', Tags: { Tag: [] } },
        { DiskId: 'd-2', Tags: { Tag: [{ TagKey: 'k' }] } },
      ],
    },
    InstanceIdSets: { InstanceIdSet: ['i-1', 'i-2'] },
    Missing: undefined,
  };
  assert.equal(
    formatXml('DescribeDisksResponse', body),
    '<?xml version="1.0" encoding="UTF-8"?><DescribeDisksResponse><RequestId>R-1</RequestId><TotalCount>2</TotalCount>' +
      '<Encrypted>false</Encrypted><Description/><Disks><Disk><DiskId>d-1</DiskId><Tags/></Disk>' +
      '<Disk><DiskId>d-2</DiskId><Tags><Tag><TagKey>k</TagKey></Tag></Tags></Disk></Disks>' +
      '<InstanceIdSets><InstanceIdSet>i-1</InstanceIdSet><InstanceIdSet>i-2</InstanceIdSet></InstanceIdSets>' +
      '</DescribeDisksResponse>',
  );
});

test('markup in a value stays a value', () => {
  for (const value of ['<b>&amp;</b>', ']]>', '<!--', '&#0;', `"'`, '<?xml?>', '<![CDATA[']) {
    const xml = formatXml('R', { Value: value });
    assert.doesNotMatch(xml.slice(xml.indexOf('<Value>') + 7, xml.indexOf('</Value>')), /[<>]/);
    assert.deepEqual(parser.parse(xml), { R: { Value: value } });
  }
});

test('what XML cannot hold is replaced, and line ends stay what they were', () => {
  assert.match(formatXml('R', { V: 'a\0b\u000bc\ud800d\ufffee\uffff' }), /<V>a�b�c�d�e�<\/V>/);
  assert.match(formatXml('R', { V: 'a\r\nb\tc\u{1F600}\u0085' }), /<V>a&#13;\nb\tc\u{1F600}\u0085<\/V>/u);
});

test('a name that is no name of an element is our bug, not a broken document', () => {
  for (const name of ['', 'a b', '1a', '<', 'a>']) {
    assert.throws(() => formatXml('R', { [name]: 'x' }), { name: 'AssertionError' }, name);
  }
});

test('any answer is a whole document that says the same', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const readable = (value: string) =>
    value.toWellFormed().replace(/[^\t\n\r\u{20}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}');
  fc.assert(
    fc.property(fc.array(fc.record({ Name: text, Value: text }), { minLength: 2, maxLength: 5 }), (items) => {
      const xml = formatXml('R', { Items: { Item: items } });
      assert.equal(XMLValidator.validate(xml), true);
      const parsed = parser.parse(xml) as { R: { Items: { Item: typeof items } } };
      const expected = items.map(({ Name, Value }) => ({ Name: readable(Name), Value: readable(Value) }));
      assert.deepEqual(parsed.R.Items.Item, expected);
    }),
  );
});
