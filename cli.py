from tagkit.__main__ import main

main()
