/**
 * A list of resources: filters, pages of the server, columns to choose, rows to choose for actions on many, and what to do when it is
 * empty. Everything about the view is in the address. Sorting is of the page that is shown, for the API has an order of its own. Actions that
 * page by tokens know no total: such a list goes on to the next page or back to the first.
 */
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { ReloadOutlined, SettingOutlined } from '@ant-design/icons';
import { Button, Checkbox, Empty, Input, Popover, Select, Space, Table, Typography } from 'antd';
import type { TableColumnType, TablePaginationConfig } from 'antd';
import { useAnswer } from '../api/session.tsx';
import type { Parameters } from '../api/ecs.ts';
import { Problem } from '../shell/problem.tsx';
import { useWords } from '../words/language.tsx';
import type { Words } from '../words/en.ts';
import { parseTagFilter } from './tag-filter.ts';
import { useViewState } from './view-state.ts';
import type { ViewState } from './view-state.ts';

export interface Column<T> {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  /** Without it the column is not sorted. */
  sortBy?: (row: T) => string | number;
  /** Not shown until it is asked for. */
  isExtra?: boolean;
}

export interface Filter {
  /** The API's parameter. */
  name: string;
  label: string;
  /** Null: any text. */
  options: readonly { value: string; label: string }[] | null;
  /** Asks for a day, which is `YYYY-MM-DD` in the address. */
  isDay?: boolean;
  /** What the API is sent for what the address has; without it the same. */
  toParameter?: (value: string) => string;
}

/** What a page of an answer says of the others. */
interface Paged {
  TotalCount?: number;
  NextToken?: string;
}

interface ResourceListProps<T, A extends Paged> {
  action: string;
  /** For actions outside the ECS API. */
  version?: string;
  /** The action knows MaxResults and NextToken, but no page numbers. */
  hasTokens?: boolean;
  /** Beside those of filters and paging. */
  parameters?: Parameters;
  rowsOf: (answer: A) => readonly T[];
  idOf: (row: T) => string;
  columns: readonly Column<T>[];
  filters: readonly Filter[];
  hasTags?: boolean;
  /** What to say and do when there is nothing at all. */
  empty: ReactNode;
  /** Shown while rows are chosen. */
  bulk?: (rows: readonly T[], done: () => void) => ReactNode;
  /** While one of these rows is shown, it is asked for again every second. */
  isMoving?: (row: T) => boolean;
}

const MOVING_REFRESH_MS = 1000;

export function ResourceList<T extends object, A extends Paged>(props: ResourceListProps<T, A>) {
  const { action, parameters = {}, rowsOf, idOf, columns, filters, empty, bulk, isMoving } = props;
  const { hasTokens = false, version } = props;
  const words = useWords();
  const view = useViewState();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const paging = hasTokens
    ? { MaxResults: view.pageSize, NextToken: view.token }
    : { PageNumber: view.page, PageSize: view.pageSize };
  const asked = { ...parameters, ...parametersOf(view, filters, props.hasTags === true), ...paging };
  const { data, error, isFetching, refetch } = useAnswer<A>(action, asked, {
    refreshMs: (answer) =>
      answer !== undefined && rowsOf(answer).some((row) => isMoving?.(row) === true) ? MOVING_REFRESH_MS : false,
    ...(version === undefined ? {} : { version }),
  });
  const rows = useMemo(() => (data === undefined ? [] : rowsOf(data)), [data, rowsOf]);
  const chosenRows = rows.filter((row) => chosen.includes(idOf(row)));
  const isEmpty = data !== undefined && (data.TotalCount ?? rows.length) === 0 && !view.hasFilters && view.token === '';
  return (
    <>
      <Problem error={error} onRetry={() => void refetch()} />
      <FilterBar {...{ view, filters, columns }} hasTags={props.hasTags === true} onRefresh={() => void refetch()} />
      {bulk !== undefined && chosenRows.length > 0 ? (
        <Space style={{ marginBottom: 12 }} wrap>
          <Typography.Text>{words.list.chosen(chosenRows.length)}</Typography.Text>
          {bulk(chosenRows, () => setChosen([]))}
        </Space>
      ) : null}
      <Table<T>
        rowKey={idOf}
        dataSource={[...rows]}
        columns={tableColumns(columns, view)}
        loading={data === undefined && isFetching}
        size="middle"
        className="table"
        onChange={(_page, _filters, sorter) => {
          const { columnKey, order } = Array.isArray(sorter) ? (sorter[0] ?? {}) : sorter;
          const key = String(columnKey ?? '');
          view.set({ sort: order === 'ascend' ? key : order === 'descend' ? `-${key}` : '' });
        }}
        pagination={hasTokens ? false : pagination(view, data?.TotalCount ?? 0, words)}
        locale={{
          emptyText: isEmpty ? (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty} />
          ) : (
            words.list.nothingFound
          ),
        }}
        {...(bulk === undefined
          ? {}
          : { rowSelection: { selectedRowKeys: [...chosen], onChange: (keys) => setChosen(keys.map(String)) } })}
      />
      {hasTokens ? <TokenPager view={view} next={data?.NextToken ?? ''} /> : null}
    </>
  );
}

function pagination(view: ViewState, total: number, { list }: Words): TablePaginationConfig {
  return {
    current: view.page,
    pageSize: view.pageSize,
    total,
    showSizeChanger: true,
    pageSizeOptions: [10, 20, 50, 100],
    showTotal: list.total,
    onChange: (page, size) => view.set({ page: page === 1 ? '' : String(page), size: size === 20 ? '' : String(size) }),
  };
}

function TokenPager({ view, next }: { view: ViewState; next: string }) {
  const { list } = useWords();
  if (next === '' && view.token === '') return null;
  return (
    <Space style={{ marginTop: 12 }}>
      <Button disabled={view.token === ''} onClick={() => view.set({ token: '' })}>
        {list.firstPage}
      </Button>
      <Button disabled={next === ''} onClick={() => view.set({ token: next })}>
        {list.nextPage}
      </Button>
    </Space>
  );
}

interface FilterBarProps<T> {
  view: ViewState;
  filters: readonly Filter[];
  columns: readonly Column<T>[];
  hasTags: boolean;
  onRefresh: () => void;
}

function FilterBar<T>({ view, filters, columns, hasTags, onRefresh }: FilterBarProps<T>) {
  const { list } = useWords();
  return (
    <div className="filters" role="search">
      {filters.map((filter) => (
        <FilterField key={filter.name} filter={filter} view={view} />
      ))}
      {hasTags ? <FilterField filter={{ name: 'Tag', label: list.tag, options: null }} view={view} /> : null}
      {view.hasFilters ? (
        <Button
          type="link"
          onClick={() =>
            view.set(Object.fromEntries([...filters.map(({ name }) => name), 'Tag'].map((name) => [name, ''])))
          }
        >
          {list.clear}
        </Button>
      ) : null}
      <span className="spacer" />
      <Button icon={<ReloadOutlined />} aria-label={list.refresh} onClick={onRefresh} />
      <ColumnChoice view={view} columns={columns} />
    </div>
  );
}

export function FilterField({ filter: { name, label, options, isDay }, view }: { filter: Filter; view: ViewState }) {
  const { list } = useWords();
  const value = view.filterOf(name);
  if (isDay === true) {
    return (
      <label className="day">
        {label} <Input type="date" value={value} onChange={({ target }) => view.set({ [name]: target.value })} />
      </label>
    );
  }
  if (options === null) {
    return (
      <Input.Search
        key={value}
        className="wide"
        allowClear
        placeholder={label}
        aria-label={label}
        defaultValue={value}
        onSearch={(text) => view.set({ [name]: text.trim() })}
      />
    );
  }
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(chosen: string) => view.set({ [name]: chosen })}
      options={[{ value: '', label: `${label}: ${list.any}` }, ...options]}
      popupMatchSelectWidth={false}
    />
  );
}

function ColumnChoice<T>({ view, columns }: { view: ViewState; columns: readonly Column<T>[] }) {
  const { list } = useWords();
  const shown = columns.filter((column) => isShown(column, view)).map(({ key }) => key);
  const choose = (keys: string[]) => {
    const changed = columns
      .filter(({ key, isExtra }) => keys.includes(key) === (isExtra === true))
      .map(({ key }) => key);
    view.set({ hide: changed.join(',') });
  };
  const choices = (
    <Checkbox.Group
      value={shown}
      onChange={choose}
      options={columns.slice(1).map(({ key, title }) => ({ value: key, label: title }))}
      style={{ display: 'flex', flexDirection: 'column', gap: 6 }}
    />
  );
  return (
    <Popover content={choices} trigger="click" placement="bottomRight" title={list.columns}>
      <Button icon={<SettingOutlined />} aria-label={list.columns} />
    </Popover>
  );
}

/** `hide` names the columns that are not as they are by default. The first one always stays. */
function isShown<T>({ key, isExtra }: Column<T>, view: ViewState): boolean {
  return view.hidden.includes(key) === (isExtra === true);
}

function tableColumns<T extends object>(columns: readonly Column<T>[], view: ViewState): TableColumnType<T>[] {
  return columns
    .filter((column, index) => index === 0 || isShown(column, view))
    .map(({ key, title, render, sortBy }) => ({
      key,
      title,
      render: (_value: unknown, row: T) => render(row),
      ...(sortBy === undefined
        ? {}
        : { sorter: (a: T, b: T) => compare(sortBy(a), sortBy(b)), sortOrder: orderOf(view.sort, key) }),
    }));
}

function orderOf(sort: string, key: string): 'ascend' | 'descend' | null {
  if (sort === key) return 'ascend';
  return sort === `-${key}` ? 'descend' : null;
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

function parametersOf(view: ViewState, filters: readonly Filter[], hasTags: boolean): Parameters {
  const { key, value } = parseTagFilter(view.filterOf('Tag'));
  const given = filters.map(({ name, toParameter }) => {
    const text = view.filterOf(name);
    return [name, text === '' || toParameter === undefined ? text : toParameter(text)];
  });
  const tag = hasTags ? { 'Tag.1.Key': key, 'Tag.1.Value': value } : {};
  return { ...Object.fromEntries(given), ...tag };
}
