#!/usr/bin/env python3
"""Restores from a Hupo repository of format version 1, with nothing of Hupo: written from docs/format.md, Part 1, alone.

    restore.py REPOSITORY SNAPSHOT_ID OUTPUT_FILE     restores the disk as it was, into a new sparse file
    restore.py REPOSITORY --list                      lists the snapshots: id, disk, size in bytes, time
    restore.py REPOSITORY --catalog OUTPUT_FILE       restores the latest copy of the catalog, an SQLite file

REPOSITORY is a folder. Needs Python 3.11 or later and the program zstd. Whatever it reads it checks as far as the format
allows, and it stops at the first thing that is wrong or that it does not know: with one sentence, exit status 1, and no
output file left behind.
"""
import datetime
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from typing import NamedTuple

CHUNK_BYTES = 65536
FAN_OUT = 128
GROUP_BYTES_MAX = 1 << 20
LEVELS_MAX = 5
BATCH_BYTES = 64 << 20
CHUNKS, PAGES = 1, 2
SNAPSHOT_ID = r'[A-Za-z0-9_-][A-Za-z0-9._-]*'
DIGEST_OF_ZEROS = hashlib.sha256(bytes(CHUNK_BYTES)).digest()


class Refusal(Exception):
    """What was found is damaged, absent, or of a kind that version 1 does not know."""


def require(condition, sentence):
    if not condition:
        raise Refusal(sentence)


class Group(NamedTuple):
    path: str
    offset: int
    stored_bytes: int
    plain_bytes: int
    crc: int
    codec: int


# Sealed objects: manifests, tombstones, owners, copies of the catalog.


def read_sealed(path, magic):
    """The JSON body of a sealed object."""
    with open(path, 'rb') as file:
        data = file.read()
    require(len(data) >= 48 and data[:8] == magic, f'{path} does not begin with {magic.decode()}')
    version, codec, cipher, body_bytes = struct.unpack_from('<HBBI', data, 8)
    check_kinds(path, version, codec, cipher)
    require(len(data) == 16 + body_bytes + 32, f'{path} has another length than it says')
    require(hashlib.sha256(data[:-32]).digest() == data[-32:], f'{path} is damaged: its seal does not match')
    return json.loads(data[16:-32].decode())


def check_kinds(path, version, codec, cipher):
    require(version == 1, f'{path} has version {version}, this reads version 1')
    require(codec == 0, f'{path} has codec {codec}, which is not known here')
    require(cipher == 0, f'{path} has cipher {cipher}, which is not known here')


def names(repository, folder, pattern):
    """The names in a folder of the repository that are those of objects, in order."""
    path = os.path.join(repository, folder)
    return sorted(name for name in os.listdir(path) if re.fullmatch(pattern, name)) if os.path.isdir(path) else []


def read_manifest(repository, snapshot_id):
    require(re.fullmatch(SNAPSHOT_ID, snapshot_id), f'{snapshot_id} is no SnapshotId')
    tombstone = os.path.join(repository, 'tombstones', snapshot_id)
    if os.path.exists(tombstone):
        body = read_sealed(tombstone, b'HUPOTOMB')
        require(body['snapshotId'] == snapshot_id, f'{tombstone} is the tombstone of {body["snapshotId"]}')
        raise Refusal(f'the snapshot {snapshot_id} was deleted')
    path = os.path.join(repository, 'snapshots', snapshot_id)
    require(os.path.exists(path), f'there is no snapshot {snapshot_id}')
    manifest = read_sealed(path, b'HUPOSNAP')
    require(manifest['snapshotId'] == snapshot_id, f'{path} is the manifest of {manifest["snapshotId"]}')
    require(manifest['sizeBytes'] % CHUNK_BYTES == 0, f'{path} says that its disk has a part of a chunk')
    return manifest


def read_latest_catalog(repository):
    found = names(repository, 'catalogs', r'\d{10}-\d{10}')
    require(found, f'there is no copy of the catalog in {repository}')
    path = os.path.join(repository, 'catalogs', found[-1])
    copy = read_sealed(path, b'HUPOCATL')
    require(f'{copy["ownerEpoch"]:010}-{copy["number"]:010}' == found[-1], f'{path} is a copy of another name')
    return copy


# Packs.


def index_packs(repository):
    """(kind, digest) → (group, position in its plain bytes, length), from the ends of all packs."""
    index = {}
    for folder in names(repository, 'packs', '[0-9a-f]{2}'):
        for name in names(repository, os.path.join('packs', folder), '[0-9a-f]{32}'):
            path = os.path.join(repository, 'packs', folder, name)
            require(name.startswith(folder), f'{path} lies in the folder of other packs')
            index_pack(path, bytes.fromhex(name), index)
    return index


def index_pack(path, pack_id, index):
    footer, footer_at = read_pack_end(path, pack_id)
    group_count, entry_count = struct.unpack_from('<II', footer)
    entries_at = 8 + 24 * group_count
    require(len(footer) == entries_at + 36 * entry_count, f'the footer of {path} has another length than it says')
    entries = struct.iter_unpack('<32sI', footer[entries_at:])
    offset = 32
    for number in range(group_count):
        at, stored, plain, crc, count, codec, kind, reserved = struct.unpack_from('<IIIIHBBI', footer, 8 + 24 * number)
        where = f'group {number} of {path}'
        require(at == offset, f'{where} does not follow the one before')
        require(count > 0 and reserved == 0 and plain <= GROUP_BYTES_MAX, f'the record of {where} is wrong')
        require(codec in (0, 1), f'{where} has codec {codec}, which is not known here')
        require(kind in (CHUNKS, PAGES), f'{where} is of kind {kind}, which is not known here')
        require(stored == plain if codec == 0 else stored < plain, f'{where} has a length that its codec cannot give')
        offset += stored
        group = Group(path, at, stored, plain, crc, codec)
        position = 0
        for _ in range(count):
            digest, size = next(entries, (None, 0))
            require(digest is not None, f'{where} has more entries than its pack')
            require(size == CHUNK_BYTES or kind == PAGES, f'{where} has a chunk of {size} bytes')
            index.setdefault((kind, digest), (group, position, size))
            position += size
        require(position == plain, f'the entries of {where} have another length than it')
    require(next(entries, None) is None, f'{path} has entries that are in no group')
    require(offset == footer_at, f'the groups of {path} do not end where its footer begins')


def read_pack_end(path, pack_id):
    """The footer and where it begins; header, trailer and the seal over all three have been checked."""
    with open(path, 'rb') as file:
        size = file.seek(0, os.SEEK_END)
        require(size >= 32 + 8 + 80, f'{path} is too short for a pack')
        file.seek(0)
        header = file.read(32)
        file.seek(size - 80)
        trailer = file.read(80)
        magic, version, codec, cipher, reserved, header_id = struct.unpack('<8sHBB4s16s', header)
        require(magic == b'HUPOPACK', f'{path} does not begin with HUPOPACK')
        require(trailer[72:] == b'HUPOKCAP', f'{path} does not end with HUPOKCAP')
        check_kinds(path, version, codec, cipher)
        footer_bytes, version, codec, cipher, trailer_id = struct.unpack_from('<IHBB16s', trailer)
        check_kinds(path, version, codec, cipher)
        require(header_id == trailer_id == pack_id, f'{path} is the pack {trailer_id.hex()}')
        footer_at = size - 80 - footer_bytes
        require(footer_at >= 32 and footer_bytes >= 8, f'the footer of {path} cannot have {footer_bytes} bytes')
        file.seek(footer_at)
        footer = file.read(footer_bytes)
    seal = hashlib.sha256(header + footer + trailer[:40]).digest()
    require(seal == trailer[40:72], f'{path} is damaged: the seal of its footer does not match')
    require(trailer[28] <= 1 and not any(trailer[29:32] + reserved), f'{path} has reserved bytes that are not zero')
    return footer, footer_at


def fetch(index, kind, digests):
    """(digest, bytes) of each, in the order in which they lie in the packs, checked."""
    wanted = {}
    for digest in digests:
        require((kind, digest) in index, f'the {"page" if kind == PAGES else "chunk"} {digest.hex()} is in no pack')
        group, position, size = index[kind, digest]
        wanted.setdefault(group, []).append((digest, position, size))
    for batch in batches(sorted(wanted)):
        for group, plain in zip(batch, read_groups(batch)):
            for digest, position, size in wanted[group]:
                data = plain[position : position + size]
                require(hashlib.sha256(data).digest() == digest, f'{digest.hex()} in {group.path} is damaged')
                yield digest, data


def batches(groups):
    """Groups of one pack at a time, of bounded size."""
    batch = []
    for group in groups:
        if batch and (group.path != batch[0].path or sum(each.plain_bytes for each in batch) >= BATCH_BYTES):
            yield batch
            batch = []
        batch.append(group)
    if batch:
        yield batch


def read_groups(groups):
    """The plain bytes of groups of one pack. Their zstd frames go through one process, one after another."""
    stored = []
    with open(groups[0].path, 'rb') as file:
        for group in groups:
            file.seek(group.offset)
            stored.append(file.read(group.stored_bytes))
            intact = zlib.crc32(stored[-1]) == group.crc
            require(intact, f'{group.path} is damaged: the group at {group.offset} has another CRC-32')
    frames = b''.join(data for group, data in zip(groups, stored) if group.codec == 1)
    plain, at = expand(frames, groups[0].path) if frames else b'', 0
    expected = sum(group.plain_bytes for group in groups if group.codec == 1)
    require(len(plain) == expected, f'the groups of {groups[0].path} expand to another length than they say')
    for group, data in zip(groups, stored):
        if group.codec == 1:
            data, at = plain[at : at + group.plain_bytes], at + group.plain_bytes
        yield data


def expand(frames, path):
    result = subprocess.run(['zstd', '-d', '-c', '-q'], input=frames, capture_output=True, check=False)
    require(result.returncode == 0, f'zstd cannot expand groups of {path}')
    return result.stdout


# Trees.


def decode_page(data, level):
    """(child, digest) of the children that are present."""
    require(data[:4] == b'HUPG' and len(data) >= 24, 'a page does not begin with HUPG')
    require(data[4] == 1, f'a page has version {data[4]}, this reads version 1')
    require(data[5] == level, f'a page of level {data[5]} is where one of level {level} belongs')
    count = int.from_bytes(data[6:8], 'little')
    present = [child for child in range(FAN_OUT) if data[8 + child // 8] >> child % 8 & 1]
    require(len(present) == count > 0 and len(data) == 24 + 32 * count, 'a page has another number of children than it says')
    return [(child, data[24 + 32 * place : 56 + 32 * place]) for place, child in enumerate(present)]


def read_tree(index, tree, size_bytes):
    """Chunk index → digest, of the chunks that are not zeros."""
    root, levels, chunk_count = tree['root'], tree['levels'], tree['dataChunkCount']
    require((root is None) == (levels == 0) == (chunk_count == 0), 'a tree without a root has levels or chunks')
    require(levels <= LEVELS_MAX, f'a tree has {levels} levels')
    places = {} if root is None else {0: bytes.fromhex(root)}
    for level in range(levels, 0, -1):
        pages = {digest: decode_page(data, level) for digest, data in fetch(index, PAGES, set(places.values()))}
        places = {FAN_OUT * at + child: digest for at, page in places.items() for child, digest in pages[page]}
    require(len(places) == chunk_count, f'a tree has {len(places)} chunks, not {chunk_count}')
    highest = max(places, default=-1)
    require(highest * CHUNK_BYTES < size_bytes, 'a tree has chunks beyond the size')
    require(levels < 2 or highest >= FAN_OUT ** (levels - 1), 'a tree has more levels than it needs')
    require(DIGEST_OF_ZEROS not in places.values(), 'a tree names a chunk of zeros')
    return places


def restore(repository, body, output):
    """Writes what the tree of a manifest, or of a copy of the catalog, holds into a new file."""
    size_bytes, index = body['sizeBytes'], index_packs(repository)
    homes = {}
    for chunk, digest in read_tree(index, body['tree'], size_bytes).items():
        homes.setdefault(digest, []).append(chunk * CHUNK_BYTES)
    with open(output, 'xb') as file:
        try:
            file.truncate(size_bytes)
            for digest, data in fetch(index, CHUNKS, homes):
                for offset in homes[digest]:
                    require(not any(data[size_bytes - offset :]), 'bytes beyond the size are not zeros')
                    file.seek(offset)
                    file.write(data[: size_bytes - offset])
        except BaseException:
            os.unlink(output)
            raise


def list_snapshots(repository):
    deleted = names(repository, 'tombstones', SNAPSHOT_ID)
    for snapshot_id in names(repository, 'snapshots', SNAPSHOT_ID):
        if snapshot_id not in deleted:
            manifest = read_manifest(repository, snapshot_id)
            time = datetime.datetime.fromtimestamp(manifest['createdAtMs'] / 1000, datetime.UTC)
            print(snapshot_id, manifest['diskId'], manifest['sizeBytes'], time.isoformat(timespec='milliseconds'))


def main(arguments):
    try:
        match arguments:
            case [repository, '--list']:
                list_snapshots(repository)
            case [repository, '--catalog', output]:
                restore(repository, read_latest_catalog(repository), output)
            case [repository, snapshot_id, output]:
                restore(repository, read_manifest(repository, snapshot_id), output)
            case _:
                sys.exit(__doc__)
    except Refusal as refusal:
        sys.exit(f'{refusal}.')
    except (OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        sys.exit(f'{repository} cannot be read: {type(error).__name__}: {error}.')


main(sys.argv[1:])
