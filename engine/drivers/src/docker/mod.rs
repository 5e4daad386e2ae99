//! docker: runs containers through the Docker daemon.
