"""Pages of credit. Each names its permission, so nobody reaches one without having signed in."""

from governance.asked import Asked as Asked
