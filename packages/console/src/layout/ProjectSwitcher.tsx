import { Button, Menu, ScrollArea, Text, TextInput } from '@mantine/core'
import { IconCheck, IconSearch, IconSelector } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'

import { queries } from '../api/queries.ts'
import { paths } from '../paths.ts'
import { platformPages } from './navigation.ts'

import classes from './layout.module.css'

/** From this many on there is something to search in. */
const searchFrom = 7

/** Which project the pages are about, and the way to another. */
export function ProjectSwitcher({ projectId }: { projectId: string | undefined }): ReactNode {
  const projects = useQuery(queries.projects()).data ?? []
  const [search, setSearch] = useState('')
  const current = projects.find(({ id }) => id === projectId)
  const found = projects.filter(({ name, id }) =>
    `${name} ${id}`.toLowerCase().includes(search.toLowerCase()),
  )
  return (
    <Menu position="bottom-start" width={260} onClose={() => setSearch('')}>
      <Menu.Target>
        <Button
          variant="default"
          fullWidth
          justify="space-between"
          rightSection={<IconSelector size={16} aria-hidden />}
          className={classes['switcher'] ?? ''}
        >
          <Text span truncate size="sm" fw={600}>
            {current?.name ?? projectId ?? 'Choose a project'}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {projects.length >= searchFrom && (
          <TextInput
            aria-label="Search projects"
            placeholder="Search"
            size="xs"
            m={4}
            leftSection={<IconSearch size={14} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        )}
        <ScrollArea.Autosize mah={320}>
          {found.map(({ id, name }) => (
            <Menu.Item
              key={id}
              component={Link}
              to={paths.project(id)}
              rightSection={id === projectId && <IconCheck size={14} aria-label="current" />}
            >
              {name}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
        <Menu.Divider />
        {platformPages.map(({ label, icon: Glyph, to }) => (
          <Menu.Item key={to} component={Link} to={to} leftSection={<Glyph size={16} />}>
            {to === paths.projects ? 'All projects' : label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
