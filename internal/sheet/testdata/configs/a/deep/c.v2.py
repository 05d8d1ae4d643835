# a configuration
