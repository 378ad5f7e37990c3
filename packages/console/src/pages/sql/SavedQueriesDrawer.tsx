import type { SavedQuery } from '@coppice/api'
import { ActionIcon, Drawer, Menu, Text, TextInput } from '@mantine/core'
import { IconBookmark, IconDots, IconPencil, IconSearch, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { NameQuery } from './NameQuery.tsx'

import classes from './sql.module.css'

interface SavedQueriesDrawerProps {
  projectId: string
  onClose: () => void
  onOpen: (query: SavedQuery) => void
}

/** The queries that the project keeps, for everybody who works on it. */
export function SavedQueriesDrawer(props: SavedQueriesDrawerProps): ReactNode {
  const { projectId, onClose, onOpen } = props
  const saved = useQuery(queries.savedQueries(projectId))
  const [search, setSearch] = useState('')
  const [renamed, setRenamed] = useState<SavedQuery>()
  const [deleted, setDeleted] = useState<SavedQuery>()
  const wanted = search.trim().toLowerCase()
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title="Saved queries">
      <TextInput
        aria-label="Search saved queries"
        placeholder="Search names and SQL"
        leftSection={<IconSearch size={16} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        mb="md"
        data-autofocus
      />
      <QueryView query={saved}>
        {(all) => (
          <SavedList
            all={all}
            found={all.filter(({ name, sql }) => `${name}\n${sql}`.toLowerCase().includes(wanted))}
            onOpen={onOpen}
            onRename={setRenamed}
            onDelete={setDeleted}
          />
        )}
      </QueryView>
      {renamed && (
        <NameQuery
          projectId={projectId}
          query={renamed}
          onClose={() => setRenamed(undefined)}
          onSaved={() => undefined}
        />
      )}
      <DeleteQuery projectId={projectId} query={deleted} onClose={() => setDeleted(undefined)} />
    </Drawer>
  )
}

interface SavedListProps {
  all: readonly SavedQuery[]
  found: readonly SavedQuery[]
  onOpen: (query: SavedQuery) => void
  onRename: (query: SavedQuery) => void
  onDelete: (query: SavedQuery) => void
}

function SavedList({ all, found, onOpen, onRename, onDelete }: SavedListProps): ReactNode {
  if (found.length === 0) {
    return (
      <EmptyState
        icon={IconBookmark}
        title={all.length === 0 ? 'No query is saved yet' : 'None is like that'}
      >
        Save a query under a name, and everybody who works on this project finds it here.
      </EmptyState>
    )
  }
  return (
    <ul className={classes['entries']}>
      {found.map((query) => (
        <li key={query.id} className={classes['savedRow']}>
          <button type="button" className={classes['entry']} onClick={() => onOpen(query)}>
            <Text fw={600} size="sm" component="span">
              {query.name}
            </Text>
            <span className={classes['entrySql']}>{query.sql.trim()}</span>
          </button>
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <ActionIcon aria-label={`Actions for ${query.name}`}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => onRename(query)}>
                Rename
              </Menu.Item>
              <Menu.Item
                color="red"
                leftSection={<IconTrash size={15} />}
                onClick={() => onDelete(query)}
              >
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </li>
      ))}
    </ul>
  )
}

interface DeleteQueryProps {
  projectId: string
  query: SavedQuery | undefined
  onClose: () => void
}

function DeleteQuery({ projectId, query, onClose }: DeleteQueryProps): ReactNode {
  const remove = useAction({
    run: async ({ id }: SavedQuery) =>
      api.deleteSavedQuery({ path: { project_id: projectId, saved_query_id: id } }),
    done: (_, { name }) => `${name} is deleted`,
    onDone: onClose,
  })
  return (
    <ConfirmByName
      opened={query !== undefined}
      onClose={onClose}
      verb="Delete query"
      name={query?.name ?? ''}
      recovery={undefined}
      isRunning={remove.isPending}
      onConfirm={() => query && remove.mutate(query)}
    >
      The query is deleted for everybody who works on this project.
    </ConfirmByName>
  )
}
