"""Quality of search on judged queries: measures, intervals, reports and the fitting of weights. Pure."""
