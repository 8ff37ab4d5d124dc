"""What all tests share."""

from hypothesis import settings

# Machines that run tests are slow now and then; how long an example takes is not what is tested.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
