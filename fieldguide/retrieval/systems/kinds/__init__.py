"""What each kind of system computes: a function a kind with its formula and paper."""
