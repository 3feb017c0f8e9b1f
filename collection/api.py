VIEWSETS: dict[str, object] = {}
