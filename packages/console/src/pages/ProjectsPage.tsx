import type { Project } from '@coppice/api'
import { Badge, Button, Group, SimpleGrid, Text, TextInput, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDatabasePlus, IconPlus, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'

import { api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { useAction } from '../api/use-action.ts'
import { paths } from '../paths.ts'
import { EmptyState } from '../ui/EmptyState.tsx'
import { formatBytes, formatHours } from '../ui/format.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Panel } from '../ui/Panel.tsx'
import { QueryView } from '../ui/QueryView.tsx'
import { RelativeTime } from '../ui/RelativeTime.tsx'
import { CreateProject } from './CreateProject.tsx'

import classes from './projects.module.css'

/** From this many on there is something to search in. */
const searchFrom = 7

/** The projects of the platform, and those that can be brought back. */
export function Component(): ReactNode {
  const projects = useQuery(queries.projects())
  const session = useQuery(queries.session()).data
  const [isCreating, create] = useDisclosure()
  const [search, setSearch] = useState('')
  const count = projects.data?.length ?? 0
  // A key for one project makes no others.
  const canCreate = session?.project_id === undefined
  const createButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={create.open}>
      New project
    </Button>
  )
  return (
    <>
      <PageHeader
        title="Projects"
        description="Each has its own branches, settings and history."
        actions={canCreate && createButton}
      />
      {count >= searchFrom && (
        <TextInput
          aria-label="Search projects"
          placeholder="Search"
          mb="md"
          maw={320}
          leftSection={<IconSearch size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <QueryView query={projects}>
        {(all) =>
          all.length === 0 ? (
            <Panel>
              <EmptyState
                icon={IconDatabasePlus}
                title="No project yet"
                action={canCreate && createButton}
              >
                A project is a PostgreSQL with branches. The first is ready in about a second.
              </EmptyState>
            </Panel>
          ) : (
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
              {all
                .filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()))
                .map((project) => (
                  <ProjectCard key={project.id} project={project} />
                ))}
            </SimpleGrid>
          )
        }
      </QueryView>
      {canCreate && <DeletedProjects />}
      <CreateProject opened={isCreating} onClose={create.close} />
    </>
  )
}

function ProjectCard({ project }: { project: Project }): ReactNode {
  const { id, name, pg_version, synthetic_storage_size, compute_time_seconds } = project
  return (
    <Link to={paths.project(id)} className={classes['card']}>
      <Group justify="space-between" wrap="nowrap">
        <Title order={2} size="h4" lineClamp={1}>
          {name}
        </Title>
        <Badge variant="light" tt="none">
          PostgreSQL {pg_version}
        </Badge>
      </Group>
      <Text size="xs" c="var(--faint)" ff="monospace" mt={2}>
        {id}
      </Text>
      <dl className={classes['facts']}>
        <div>
          <dt>Storage</dt>
          <dd>{formatBytes(synthetic_storage_size)}</dd>
        </div>
        <div>
          <dt>Compute</dt>
          <dd>{formatHours(compute_time_seconds)}</dd>
        </div>
        <div>
          <dt>Last active</dt>
          <dd>
            <RelativeTime at={project.compute_last_active_at} />
          </dd>
        </div>
      </dl>
    </Link>
  )
}

function DeletedProjects(): ReactNode {
  const deleted = useQuery(queries.deletedProjects()).data ?? []
  const recover = useAction({
    run: async ({ id }: Project) => api.recoverProject({ path: { project_id: id } }),
    done: ({ project }) => `${project.name} is back`,
  })
  const found = deleted.filter(({ deleted_at }) => deleted_at !== undefined)
  if (found.length === 0) return null
  return (
    <div className={classes['deleted']}>
      <Panel title="Deleted projects" description="They can be brought back for a while.">
        {found.map((project) => (
          <Group key={project.id} justify="space-between" py={6}>
            <div>
              <Text size="sm" fw={550}>
                {project.name}
              </Text>
              <Text size="xs" c="var(--faint)">
                Gone for good <RelativeTime at={project.recoverable_until} />
              </Text>
            </div>
            <Button
              variant="default"
              size="xs"
              loading={recover.isPending && recover.variables.id === project.id}
              onClick={() => recover.mutate(project)}
            >
              Bring back
            </Button>
          </Group>
        ))}
      </Panel>
    </div>
  )
}
