process.stdout.write('coppice\n')
